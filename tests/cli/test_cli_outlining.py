"""`chromseg-ops data outline`: what it prints, writes and refuses."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from PIL import Image
from typer.testing import CliRunner

from chromseg.annotations import read_dataset, write_dataset
from chromseg.cli.app import app
from chromseg.synthesis import synthesize_dataset


@pytest.fixture
def run(tmp_path, monkeypatch):
    """run("boxes", …): `chromseg-ops data outline boxes …` where data/boxes is a metaphase with boxes alone."""
    monkeypatch.chdir(tmp_path)
    drawn = synthesize_dataset(tmp_path / "data", "drawn", count=1, seed=3)
    pixels = {image.id: drawn.root / "images" / image.file_name for image in drawn.images}
    instances = tuple(replace(each, segmentation=[]) for each in drawn.instances)
    write_dataset(replace(drawn, root=tmp_path / "data/boxes", instances=instances), pixels)
    return lambda *arguments: CliRunner().invoke(app, ["data", "outline", *arguments])


def test_it_counts_by_split_and_draws(run, tmp_path):
    result = run("boxes", "--into", "outlined", "--no-model")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split("  ")[0] == "split" and "cut by the model" in lines[0] and lines[0].endswith("ignored")
    made = read_dataset(tmp_path / "data/outlined")
    alone = sum(one.quality == "derived" for one in made.instances)
    split = made.images[0].split
    row = next(line for line in lines if line.startswith(split)).split()
    assert row[:4] == [split, "1", "46", str(alone)] and row[-2] == str(46 - alone)
    assert lines[-1] == "sheet: reports/outlined_outlines.png"
    assert "1 of 1: " in result.stderr
    with Image.open(tmp_path / "reports/outlined_outlines.png") as sheet:
        assert sheet.width > 1000


def test_json_has_the_same_and_nothing_else_on_stdout(run):
    result = run("boxes", "--into", "outlined", "--no-model", "--json", "--out", "sheets")
    facts = json.loads(result.stdout)
    assert facts["dataset"] == "data/outlined" and facts["sheet"] == "sheets/outlined_outlines.png"
    assert facts["all"]["boxes"] == 46 and facts["splits"].keys() == {"train", "val", "test"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["drawn", "--into", "outlined", "--no-model"], "error: data/drawn with outlines; expected a set of boxes"),
        (["nowhere", "--into", "outlined", "--no-model"], "error: no data/nowhere/dataset.yaml; expected an imported"),
        (["boxes", "--into", "drawn", "--no-model"], "error: data/drawn, which exists and is no earlier outlining of"),
        (["boxes", "--into", "a/b", "--no-model"], "error: dataset name 'a/b'; expected letters, digits"),
        (["boxes", "--into", "outlined", "--model", "nowhere"], "error: no model folder nowhere; expected a folder"),
    ],
)
def test_bad_input_is_one_line(run, tmp_path, arguments, told):
    before = (tmp_path / "data/drawn/annotations.json").read_bytes()
    result = run(*arguments)
    assert result.exit_code == 1 and result.stdout == ""
    assert result.stderr.startswith(told) and result.stderr.count("\n") == 1
    assert (tmp_path / "data/drawn/annotations.json").read_bytes() == before
    assert not (tmp_path / "data/outlined").exists() and not (tmp_path / "reports").exists()


def test_wrong_usage_is_exit_2(run):
    assert run("boxes").exit_code == run("boxes", "--into", "b", "--limit", "0").exit_code == 2
