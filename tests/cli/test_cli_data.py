import json

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from chromseg.annotations import read_dataset
from chromseg.cli.app import app


@pytest.fixture
def run(tmp_path, monkeypatch):
    """run("import", …): `chromseg-ops data import …` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, ["data", *map(str, arguments)])


@pytest.fixture
def source(tmp_path):
    """LabelMe files of four cases, two images each: a banded bar and one that crosses it, light on dark."""
    src = tmp_path / "src"
    src.mkdir()
    grey = np.full((96, 96), 20, np.uint8)
    grey[40:50, 8:88] += 90
    grey[8:88, 40:50] += 90
    bars = [[[8, 40], [88, 40], [88, 50], [8, 50]], [[40, 8], [50, 8], [50, 88], [40, 88]]]
    rng = np.random.default_rng(0)
    for name in ("1a", "1b", "2a", "2b", "3a", "3b", "4a", "4b"):
        Image.fromarray(grey + rng.integers(0, 12, grey.shape, dtype=np.uint8)).save(src / f"original_{name}.png")
        shapes = [{"label": "chr", "points": points, "shape_type": "polygon"} for points in bars]
        content = {"shapes": shapes, "imagePath": f"original_{name}.png", "imageWidth": 96, "imageHeight": 96}
        (src / f"original_{name}.json").write_text(json.dumps(content))
    return src


def test_import_just_works(run, source, tmp_path):
    result = run("import", "labelme", source, "--name", "cells")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == (
        "data/cells: 8 images, 16 annotations, 4 cases (train 4, val 2, test 2); q-band, light-on-dark\n"
    )
    assert "polarity judged from the pixels: light-on-dark" in result.stderr
    assert len(read_dataset(tmp_path / "data/cells").images) == 8


def test_import_passes_every_option_on(run, source, tmp_path):
    result = run(
        "import", "labelme", source, "--name", "cells", "--polarity", "dark-on-light", "--invert", "--stain", "dapi",
        "--case-regex", "original_(.+)", "--split", "50/25/25", "--source", "lab", "--licence", "CC0",
        "--citation", "me",
        "--classes", "a, b", "--ignore", "nucleus", "--second", "non-overlap", "--skip-bad", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    made = json.loads(result.stdout)
    assert made["cases"] == 8 and made["splits"] == {"train": 4, "val": 2, "test": 2}
    card = yaml.safe_load((tmp_path / "data/cells/dataset.yaml").read_text())
    assert card["polarity"] == "light-on-dark" and card["stain"] == "dapi"
    assert (card["source"], card["licence"], card["citation"]) == ("lab", "CC0", "me")


def test_problems_are_listed_on_stderr_and_the_last_line_sums_up(run, source, tmp_path):
    (source / "original_1a.json").write_text("")
    (source / "original_2b.png").write_text("text")
    result = run("import", "labelme", source, "--name", "cells")
    assert result.exit_code == 1 and result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0].startswith("problem: original_1a.json: an empty file")
    assert lines[1].startswith("problem: original_2b.json: original_2b.png cannot be read")
    assert lines[-1].startswith("error: 2 problems in src, the first: original_1a.json") and "--skip-bad" in lines[-1]
    assert not (tmp_path / "data").exists()
    again = run("import", "labelme", source, "--name", "cells", "--skip-bad")
    assert again.exit_code == 0 and "2 left out, 6 images kept" in again.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [("--split", "60/20"), ("--split", "0/0/0"), ("--split", "a/b/c"), ("--polarity", "up"), ("--second", "both")],
)
def test_wrong_usage_is_exit_2(run, source, option, value):
    result = run("import", "labelme", source, "--name", "cells", option, value)
    assert result.exit_code == 2 and value in result.stderr


def test_an_unknown_format_is_one_line(run, source):
    result = run("import", "yolo", source, "--name", "cells")
    assert result.exit_code == 1 and len(result.stderr.splitlines()) == 1
    assert "expected one of labelme, voc, coco, paired-masks, label-map, singles" in result.stderr


def test_summary_prints_table_one_and_draws_the_areas(run, source, tmp_path):
    run("import", "labelme", source, "--name", "cells")
    result = run("summary", "cells")
    assert result.exit_code == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["overlapping", "chromosomes", "clusters", "of", "all", "chromosomes"] in lines
    assert ["2", "8", "100.00%"] in lines and ["5", "or", "more", "0", "0.00%"] in lines
    assert ["train", "4", "2", "8"] in lines
    with Image.open(tmp_path / "reports/cells_areas.png") as picture:
        assert picture.format == "PNG"


def test_summary_as_json_of_all_datasets(run, source, tmp_path):
    for name in ("one", "two"):
        run("import", "labelme", source, "--name", name)
    result = run("summary", "--json", "--out", tmp_path / "figures")
    found = json.loads(result.stdout)
    assert [summary["name"] for summary in found] == ["one", "two"]
    assert found[0]["overlaps"]["crossing_clusters"] == 8 and found[0]["splits"]["test"]["cases"] == 1
    assert found[0]["histogram"] == (tmp_path / "figures/one_areas.png").as_posix()


@pytest.mark.parametrize("verb", ["summary", "validate"])
def test_no_dataset_says_what_to_run(run, verb):
    result = run(verb)
    assert result.exit_code == 1 and "chromseg-ops data import" in result.stderr
    assert run(verb, "gone").exit_code == 1


@pytest.mark.slow
def test_validate_writes_reports_and_tells_by_exit_code(run, source, tmp_path):
    run("import", "labelme", source, "--name", "cells")
    good = run("validate", "cells", "--out", tmp_path / "out")
    assert "cells: " in good.stdout and (tmp_path / "out/cells.html").exists()
    path = tmp_path / "data/cells/annotations.json"
    coco = json.loads(path.read_text())
    coco["images"][0]["split"] = "val" if coco["images"][0]["split"] == "train" else "train"  # one case in two splits
    path.write_text(json.dumps(coco))
    bad = run("validate", "cells", "--out", tmp_path / "out", "--json")
    assert bad.exit_code == 1
    report = json.loads(bad.stdout)[0]
    assert not report["ok"] and report["n_critical"] > 0
    assert json.loads((tmp_path / "out/cells.json").read_text())["ok"] is False


def test_validate_takes_limits_from_params(run, source, tmp_path):
    run("import", "labelme", source, "--name", "cells")
    (tmp_path / "params.yaml").write_text("validate:\n  limits:\n    nonsense: 1\n")
    result = run("validate", "cells")
    assert result.exit_code == 1 and "unknown key `validate.limits.nonsense`" in result.stderr


def test_synthesize_same_seed_same_pixels(run, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        made = run("synthesize", "--name", name, "--count", 1, "--seed", seed, "--size", "480x400", "--json")
        assert made.exit_code == 0, made.stderr
    pictures = {name: next((tmp_path / "data" / name / "images").iterdir()).read_bytes() for name in "abc"}
    assert pictures["a"] == pictures["b"] != pictures["c"]
    with Image.open(next((tmp_path / "data/a/images").iterdir())) as picture:
        assert picture.size == (480, 400)


@pytest.mark.parametrize(
    "arguments",
    [["--count", 0, "--seed", 1], ["--count", 1, "--seed", -1], ["--count", 1, "--seed", 1, "--size", "big"]],
)
def test_synthesize_with_wrong_numbers_is_exit_2(run, arguments):
    assert run("synthesize", "--name", "a", *arguments).exit_code == 2


def test_track_without_dvc_says_what_to_do(run, source):
    run("import", "labelme", source, "--name", "cells")
    result = run("track", "cells")
    assert result.exit_code == 1 and "`dvc init`" in result.stderr
