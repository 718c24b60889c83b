"""`predict` and `partition` as a lab uses them: what is written, what is skipped, what is refused."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drawn_cells import drawn_cell, threshold_predictor
from PIL import Image
from typer.testing import CliRunner, Result

from chromseg.annotations import decode_rle
from chromseg.cli.app import app
from chromseg.config import KaryotypeConfig, ModelConfig
from chromseg.models import build_model
from chromseg.models.package import ModelCard, save_model


@pytest.fixture
def cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two good pictures, one of them in a subfolder; the model is the threshold."""
    monkeypatch.setattr("chromseg.api.load_predictor", lambda uri, device: threshold_predictor())
    folder = tmp_path / "cells"
    (folder / "day 1").mkdir(parents=True)
    Image.fromarray(drawn_cell()[0]).save(folder / "a.png")
    Image.fromarray(255 - drawn_cell()[0]).save(folder / "day 1" / "b.tif")
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_one_picture_gives_coco_overlay_and_chromosomes(cells: Path, tmp_path: Path) -> None:
    done = run("predict", cells / "a.png", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    folder = tmp_path / "out" / "a"
    result = json.loads((folder / "instances.json").read_text())
    assert [a["id"] for a in result["annotations"]] == [1, 2, 3, 4]
    assert sorted(path.name for path in (folder / "chromosomes").iterdir()) == [f"{n:03d}.png" for n in range(1, 5)]
    assert pixels(folder / "overlay.png").ndim == 3
    assert {
        "name",
        "version",
        "weights_sha256",
        "data_md5",
        "commit",
        "partition",
        "software_version",
        "image_sha256",
    } <= set(result["model"])
    assert result["validation"]["input"]["ok"] is True
    for annotation in result["annotations"]:
        mask = decode_rle(annotation["segmentation"], 200, 200)
        x, y, w, h = annotation["bbox"]
        assert mask.sum() == annotation["area"] == mask[y : y + h, x : x + w].sum()
        crop = pixels(folder / "chromosomes" / f"{annotation['id']:03d}.png")
        assert crop.shape == (h + 10, w + 10) and crop.dtype == np.uint8
        assert 0 <= annotation["score"] <= 1 and annotation["uncertainty"] is None


def test_a_folder_is_mirrored_and_judged_by_great_expectations(cells: Path, tmp_path: Path) -> None:
    done = run("predict", cells, "--out", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert (summary["done"], summary["chromosomes"]) == (2, 8)
    assert (tmp_path / "out" / "day 1" / "b" / "instances.json").is_file()


def test_a_second_run_skips_and_a_changed_option_does_not(cells: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("predict", cells, "--out", out)
    stamp = (out / "a" / "instances.json").stat().st_mtime_ns
    again = json.loads(run("predict", cells, "--out", out, "--json").stdout)
    assert (again["done"], again["skipped"], again["chromosomes"]) == (0, 2, 8)
    assert (out / "a" / "instances.json").stat().st_mtime_ns == stamp
    other = json.loads(run("predict", cells, "--out", out, "--scale", 1.2, "--json").stdout)
    assert (other["done"], other["skipped"]) == (2, 0)


def test_one_bad_file_is_named_and_the_rest_is_done(cells: Path, tmp_path: Path) -> None:
    (cells / "text.png").write_text("not a picture")
    Image.fromarray(np.zeros((200, 200), np.uint8)).save(cells / "black.png")
    done = run("predict", cells, "--out", tmp_path / "out")
    assert done.exit_code == 1 and "2 done, 0 skipped, 2 failed" in done.stdout
    failures = json.loads((tmp_path / "out" / "failures.json").read_text())
    assert sorted(Path(failure["file"]).name for failure in failures) == ["black.png", "text.png"]
    assert all(failure["expected"] and failure["remedy"] for failure in failures)
    assert not (tmp_path / "out" / "black").exists()
    assert "Traceback" not in done.output


def test_pages_get_a_folder_each(cells: Path, tmp_path: Path) -> None:
    first, second = Image.fromarray(drawn_cell()[0]), Image.fromarray(drawn_cell()[0][::-1].copy())
    first.save(cells / "stack.tif", save_all=True, append_images=[second])
    done = run("predict", cells / "stack.tif", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    pages = sorted(path.name for path in (tmp_path / "out" / "stack").iterdir())
    assert pages == ["page-001", "page-002"]


def test_a_write_that_fails_leaves_nothing_under_the_final_name(
    cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chromseg.inference.exports.write_json", full)
    done = run("predict", cells / "a.png", "--out", tmp_path / "out")
    assert done.exit_code == 1 and "No space left" in done.stderr and "free some space" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [("--scale", "big"), ("--scale", "-1"), ("--scale", "nan"), ("--polarity", "sideways")]
)
def test_wrong_usage_exits_two(cells: Path, tmp_path: Path, arguments: tuple[str, str]) -> None:
    assert run("predict", cells, "--out", tmp_path / "out", *arguments).exit_code == 2


def save_maps(folder: Path, name: str, *, image: bool = True) -> np.ndarray:
    picture, masks = drawn_cell()
    folder.mkdir(parents=True, exist_ok=True)
    for kind, region in (("chromosome", masks.any(axis=0)), ("crossing", masks.sum(axis=0) > 1)):
        Image.fromarray(region.astype(np.uint8) * 255).save(folder / f"{kind}_{name}.png")
    if image:
        Image.fromarray(picture).save(folder / f"image_{name}.png")
    return masks


@pytest.mark.parametrize("image", [True, False])
@pytest.mark.parametrize("algorithm", ["chromseg-ops", "paper"])
def test_partition_splices_given_maps(tmp_path: Path, image: bool, algorithm: str) -> None:
    masks = save_maps(tmp_path / "maps", "cell", image=image)
    done = run("partition", tmp_path / "maps", "--out", tmp_path / "out", "--algorithm", algorithm, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["chromosomes"] == 4
    result = json.loads((tmp_path / "out" / "cell" / "instances.json").read_text())
    found = [decode_rle(a["segmentation"], 200, 200) for a in result["annotations"]]
    floor = 0.95 if algorithm == "chromseg-ops" else 0.7  # the published algorithm erodes
    for target in masks:
        assert max((mask & target).sum() / (mask | target).sum() for mask in found) > floor
    again = json.loads(
        run("partition", tmp_path / "maps", "--out", tmp_path / "out", "--algorithm", algorithm, "--json").stdout
    )
    assert again["skipped"] == 1


def test_partition_refuses_maps_that_do_not_fit(tmp_path: Path) -> None:
    save_maps(tmp_path / "maps", "cell")
    Image.fromarray(np.zeros((50, 60), np.uint8)).save(tmp_path / "maps" / "crossing_cell.png")
    done = run("partition", tmp_path / "maps", "--out", tmp_path / "out")
    assert done.exit_code == 1 and "60×50 pixels" in done.stderr
    (tmp_path / "maps" / "crossing_cell.png").unlink()
    done = run("partition", tmp_path / "maps", "--out", tmp_path / "out")
    assert done.exit_code == 1 and "without a crossing map" in done.stderr


def test_partition_refuses_a_picture_for_a_map(tmp_path: Path) -> None:
    save_maps(tmp_path / "maps", "cell")
    noise = np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "maps" / "crossing_cell.png")
    done = run("partition", tmp_path / "maps", "--out", tmp_path / "out")
    assert done.exit_code == 1 and "crossing_cell.png is grey in 50% of its pixels" in done.stderr


def test_what_is_odd_about_a_result_is_told(tmp_path: Path) -> None:
    save_maps(tmp_path / "maps", "cell", image=False)
    for kind in ("chromosome", "crossing"):
        Image.fromarray(np.zeros((200, 200), np.uint8)).save(tmp_path / "maps" / f"{kind}_cell.png")
    done = run("partition", tmp_path / "maps", "--out", tmp_path / "out", "--json")
    assert done.exit_code == 0 and "note: " in done.stderr
    [result] = json.loads(done.stdout)["results"]
    assert result["notes"] and "n_instances 0" in result["notes"][0]
    validation = json.loads((tmp_path / "out" / "cell" / "instances.json").read_text())["validation"]
    assert validation["result"]["n_warnings"] == 1


def test_a_wrong_factor_is_named_before_anything_else(cells: Path, tmp_path: Path) -> None:
    done = run("predict", cells / "a.png", "--out", tmp_path / "out", "--scale", 99)
    assert done.exit_code == 1 and "must be resized by 99.00" in done.stderr and "blur" not in done.stderr


def test_partition_refuses_swapped_maps(tmp_path: Path) -> None:
    save_maps(tmp_path / "maps", "cell", image=False)
    folder = tmp_path / "maps"
    (folder / "chromosome_cell.png").rename(folder / "x.png")
    (folder / "crossing_cell.png").rename(folder / "chromosome_cell.png")
    (folder / "x.png").rename(folder / "crossing_cell.png")
    done = run("partition", folder, "--out", tmp_path / "out")
    assert done.exit_code == 1 and "not swapped" in done.stderr


def test_a_folder_is_decoded_once_and_few_pictures_at_a_time(
    cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chromseg.inference import asked, files
    from chromseg.inference.batch import plan_jobs, run_jobs

    (cells / "c.png").write_bytes(b"no picture")
    decoded: list[str] = []
    read, judge = asked.read_picture, files.validate_inputs
    tables: list[list[str]] = []
    monkeypatch.setattr(asked, "read_picture", lambda path, **limits: decoded.append(path.name) or read(path, **limits))
    monkeypatch.setattr(
        files, "validate_inputs", lambda rows, *rest: tables.append([row["file"] for row in rows]) or judge(rows, *rest)
    )
    jobs = plan_jobs([cells], tmp_path / "out")
    worker = files.FolderWorker(files.PictureWorker(threshold_predictor()), jobs, ahead=40_000)
    outcomes = run_jobs(jobs, tmp_path / "out", worker, lambda outcome: None)
    assert [outcome.status for outcome in outcomes] == ["done", "failed", "done"]
    assert decoded == ["a.png", "c.png", "b.tif"]
    assert [len(table) for table in tables] == [1, 2]
    assert "cannot be read" in str(outcomes[1].error)


@pytest.mark.slow
def test_killed_it_leaves_whole_results_and_goes_on(make_model: Callable[..., Path], tmp_path: Path) -> None:
    """Killed at once after each new result: every folder under a final name is whole, and the next run skips it."""
    cells, out = tmp_path / "cells", tmp_path / "out"
    cells.mkdir()
    for number in range(6):
        Image.fromarray(np.roll(drawn_cell()[0], number, axis=1)).save(cells / f"{number}.png")
    main = [sys.executable, "-c", "from chromseg.cli.app import main; main()"]
    command = [*main, "predict", str(cells), "--model", str(make_model("tiny")), "--out", str(out), "--json"]
    for done in (1, 3):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(list(out.glob("*/instances.json"))) < done:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    whole = [folder for folder in out.iterdir() if folder.name.isdecimal()]
    for folder in whole:
        annotations = json.loads((folder / "instances.json").read_text())["annotations"]
        assert len(list((folder / "chromosomes").iterdir())) == len(annotations)
        assert pixels(folder / "overlay.png").ndim == 3
    summary = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert (summary["skipped"], summary["done"]) == (len(whole), 6 - len(whole))
    assert sorted(out.glob("[!.]*")) == [out / str(number) for number in range(6)]


@pytest.mark.slow
def test_a_model_folder_needs_no_mlflow(make_model: Callable[..., Path]) -> None:
    code = f"import sys, chromseg; chromseg.load_predictor({str(make_model('tiny'))!r}); print('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_of_three_fluorescence_channels_one_is_named_and_alone_or_in_a_folder_gives_its_chromosomes(
    cells: Path, tmp_path: Path
) -> None:
    dapi = 255 - drawn_cell()[0]
    probe = np.random.default_rng(0).integers(0, 256, dapi.shape, dtype=np.uint8)
    for name in ("x", "y"):
        (tmp_path / "fish").mkdir(exist_ok=True)
        Image.fromarray(np.stack([probe, probe[::-1], dapi], axis=2)).save(tmp_path / "fish" / f"{name}.png")
    refused = run("predict", tmp_path / "fish", "--out", tmp_path / "none")
    assert refused.exit_code == 1 and "--channel" in refused.output
    for source, count in ((tmp_path / "fish" / "x.png", 4), (tmp_path / "fish", 8)):
        done = run("predict", source, "--out", tmp_path / f"out{count}", "--channel", "blue", "--json")
        assert done.exit_code == 0 and json.loads(done.stdout)["chromosomes"] == count, done.output
    options = json.loads((tmp_path / "out8" / "x" / "instances.json").read_text())["options"]
    assert options["channel"] == "blue"
    again = json.loads(
        run("predict", tmp_path / "fish", "--out", tmp_path / "out8", "--channel", "red", "--json").stdout
    )
    assert again["skipped"] == 0, "another channel is another result"
    grey = run("predict", cells / "a.png", "--out", tmp_path / "grey", "--channel", "blue")
    assert grey.exit_code == 1 and "a grey picture has but one" in grey.output
    assert run("predict", cells, "--out", tmp_path / "odd", "--channel", "violet").exit_code == 2
    (tmp_path / "cell.czi").write_bytes(b"ZISRAWFILE")
    of_a_microscope = run("predict", tmp_path / "cell.czi", "--out", tmp_path / "odd", "--channel", "violet")
    assert of_a_microscope.exit_code == 1 and "Zeiss CZI" in of_a_microscope.output


def test_strict_needs_a_model_that_knows_what_it_has_seen(cells: Path, tmp_path: Path) -> None:
    done = run("predict", cells, "--out", tmp_path / "out", "--strict")
    assert done.exit_code == 1 and done.output.count("does not say how the pictures look") == 1
    assert not (tmp_path / "out").exists()


def test_a_karyogram_is_written_beside_the_result(cells: Path, tmp_path: Path) -> None:
    config = KaryotypeConfig("karyotype", width=4, blocks=1)
    save_model(tmp_path / "names", build_model(config), ModelCard("strips", config))
    asked = ("predict", cells / "a.png", "--out", tmp_path / "out", "--karyogram", "--karyotype", tmp_path / "names")
    done = run(*asked)
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "out/a/karyogram.json").read_text())
    assert [each["number"] for each in told["chromosomes"]] == [1, 2, 3, 4]
    kept = json.loads((tmp_path / "out/a/instances.json").read_text())["options"]["karyogram"]
    assert kept == told["model"]["weights_sha256"]
    assert pixels(tmp_path / "out/a/karyogram.png").ndim == 3 and (tmp_path / "out/a/karyogram.pdf").stat().st_size
    assert "1 skipped" in run(*asked).stdout


def test_a_model_that_names_no_chromosomes_is_refused_before_any_picture(cells: Path, tmp_path: Path) -> None:
    config = ModelConfig("unet", depth=2, width=4)
    save_model(tmp_path / "cuts", build_model(config), ModelCard("unet", config))
    done = run("predict", cells, "--out", tmp_path / "out", "--karyogram", "--karyotype", tmp_path / "cuts")
    assert done.exit_code == 1 and "expected a KaryotypeNetwork" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_cluster_makes_no_karyograms(cells: Path, tmp_path: Path) -> None:
    done = run("predict", cells, "--out", tmp_path / "out", "--karyogram", "--ray", "local")
    assert done.exit_code == 2 and "--karyogram" in done.stderr
