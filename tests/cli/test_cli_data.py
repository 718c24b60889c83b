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
    return draw(tmp_path / "src", ("1a", "1b", "2a", "2b", "3a", "3b", "4a", "4b"))


def draw(src, names):
    """A LabelMe file and its image for each `<case><letter>`; where the bars cross depends on the case."""
    src.mkdir(exist_ok=True)
    for name in names:
        row = 10 + 14 * (int(name[:-1]) - 1)
        grey = np.full((96, 96), 20, np.uint8)
        grey[row : row + 10, 8:88] += 90
        grey[8:88, 40:50] += 90
        bars = [[[8, row], [88, row], [88, row + 10], [8, row + 10]], [[40, 8], [50, 8], [50, 88], [40, 88]]]
        rng = np.random.default_rng(ord(name[-1]))
        Image.fromarray(grey + rng.integers(0, 12, grey.shape, dtype=np.uint8)).save(src / f"original_{name}.png")
        shapes = [{"label": "chr", "points": points, "shape_type": "polygon"} for points in bars]
        content = {"shapes": shapes, "imagePath": f"original_{name}.png", "imageWidth": 96, "imageHeight": 96}
        (src / f"original_{name}.json").write_text(json.dumps(content))
    return src


def test_import_just_works(run, source, tmp_path):
    result = run("import", "labelme", source, "--name", "cells")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == (
        "data/cells: 8 images, 16 annotations, 4 cases (train 8, val 0, test 0); q-band, light-on-dark\n"
    )
    assert "polarity judged from the pixels: light-on-dark" in result.stderr
    assert "of 4 cases none fell in val, none in test" in result.stderr
    assert len(read_dataset(tmp_path / "data/cells").images) == 8


def test_import_passes_every_option_on(run, source, tmp_path):
    result = run(
        "import", "labelme", source, "--name", "cells", "--polarity", "dark-on-light", "--invert", "--stain", "dapi",
        "--case-regex", r"original_(\d)", "--split", "50/25/25", "--source", "lab", "--licence", "CC0",
        "--citation", "me",
        "--classes", "a, b", "--ignore", "nucleus", "--second", "non-overlap", "--skip-bad", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    made = json.loads(result.stdout)
    assert made["cases"] == 4 and made["splits"] == {"train": 8, "val": 0, "test": 0}
    card = yaml.safe_load((tmp_path / "data/cells/dataset.yaml").read_text())
    assert card["polarity"] == "light-on-dark" and card["stain"] == "dapi"
    assert (card["source"], card["licence"], card["citation"]) == ("lab", "CC0", "me")


def test_update_prints_what_changed_and_moves_nothing(run, source, tmp_path):
    run("import", "labelme", source, "--name", "cells", "--split", "50/25/25")
    splits = {i.file_name: i.split for i in read_dataset(tmp_path / "data/cells").images}
    draw(source, ("5a", "5b"))
    (source / "original_4b.json").unlink()
    (source / "original_4b.png").unlink()
    content = json.loads((source / "original_1a.json").read_text())
    content["shapes"] = [*content["shapes"][1:], {"label": "chr", "points": [[60, 60], [80, 60], [80, 90], [60, 90]]}]
    (source / "original_1a.json").write_text(json.dumps(content))
    result = run("import", "labelme", source, "--name", "cells", "--update")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[1:] == [
        "pictures: 2 added, 1 changed, 1 gone",
        "outlines: 5 added, 0 changed, 3 gone",
        "moved splits: none",
        "added    original_5a.png: outlines 2 added, 0 changed, 0 gone",
        "added    original_5b.png: outlines 2 added, 0 changed, 0 gone",
        "changed  original_1a.png: outlines 1 added, 0 changed, 1 gone",
        "gone     original_4b.png: outlines 0 added, 0 changed, 2 gone",
    ]
    after = {i.file_name: i.split for i in read_dataset(tmp_path / "data/cells").images}
    assert all(split == splits[name] for name, split in after.items() if name in splits)
    again = json.loads(run("import", "labelme", source, "--name", "cells", "--update", "--json").stdout)
    assert again["changes"]["pictures"]["added"] == [] and again["changes"]["outlines"]["added"] == 0


def test_diff_of_two_sets(run, source, tmp_path):
    run("import", "labelme", source, "--name", "one", "--split", "1/0/0")
    run("import", "labelme", source, "--name", "two", "--split", "0/0/1")
    told = run("diff", "one", "two")
    assert told.exit_code == 0, told.stderr
    assert told.stdout.splitlines()[:3] == [
        "pictures: 0 added, 0 changed, 0 gone",
        "outlines: 0 added, 0 changed, 0 gone",
        "moved splits: 8",
    ]
    found = json.loads(run("diff", "one", "two", "--json").stdout)
    assert (found["before"], found["after"], len(found["moved_splits"])) == ("one", "two", 8)
    assert found["moved_splits"][0] == {
        "picture": "original_1a.png",
        "case": "1",
        "before": "train",
        "after": "test",
    }
    gone = run("diff", "one", "three")
    assert gone.exit_code == 1 and "no data/three/dataset.yaml" in gone.stderr


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
    assert (
        "expected one of labelme, voc, coco, paired-masks, label-map, instance-map, class-map, singles" in result.stderr
    )


def test_summary_prints_table_one_and_draws_the_areas(run, source, tmp_path):
    run("import", "labelme", source, "--name", "cells")
    result = run("summary", "cells")
    assert result.exit_code == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["overlapping", "chromosomes", "clusters", "of", "all", "chromosomes"] in lines
    assert ["2", "8", "100.00%"] in lines and ["5", "or", "more", "0", "0.00%"] in lines
    assert ["train", "8", "4", "16"] in lines
    with Image.open(tmp_path / "reports/cells_areas.png") as picture:
        assert picture.format == "PNG"


def test_summary_as_json_of_all_datasets(run, source, tmp_path):
    for name in ("one", "two"):
        run("import", "labelme", source, "--name", name)
    result = run("summary", "--json", "--out", tmp_path / "figures")
    found = json.loads(result.stdout)
    assert [summary["name"] for summary in found] == ["one", "two"]
    assert found[0]["overlaps"]["crossing_clusters"] == 8 and found[0]["splits"]["val"]["cases"] == 2
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
