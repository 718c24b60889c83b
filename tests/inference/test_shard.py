"""Shares of a cohort: disjoint, together all, and stable when pictures come in later."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from drawn_cells import drawn_cell, threshold_predictor
from PIL import Image
from typer.testing import CliRunner

from chromseg.cli.app import app
from chromseg.errors import ConfigError
from chromseg.inference.shard import Shard

KEYS = [f"day {number // 50}/cell-{number:04d}" for number in range(600)]


@pytest.mark.parametrize("of", [1, 2, 7, 600])
def test_each_picture_is_in_one_share(of: int) -> None:
    shards = [Shard(number, of) for number in range(1, of + 1)]
    assert [sum(shard.holds(key) for shard in shards) for key in KEYS] == [1] * len(KEYS)


def test_shares_are_about_equal_and_do_not_change() -> None:
    sizes = [sum(Shard(number, 4).holds(key) for key in KEYS) for number in range(1, 5)]
    assert sum(sizes) == 600 and min(sizes) > 110
    for key in KEYS[:20]:  # what a person can work out with sha256sum
        assert Shard(1 + int(hashlib.sha256(key.encode()).hexdigest()[:16], 16) % 3, 3).holds(key)


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0", "1", "a/b", "-1/2", "1/2/3", ""])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="1 ≤ i ≤ n"):
        Shard.parse(text)


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["predict", *map(str, words)])
    return done.exit_code, done.stdout


def test_shares_do_all_pictures_once_and_their_failures_merge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chromseg.api.load_predictor", lambda uri, device: threshold_predictor())
    cells, out = tmp_path / "cells", tmp_path / "out"
    cells.mkdir()
    for number in range(6):
        (cells / f"bad-{number}.png").write_text("no picture")
    for number in range(3):
        Image.fromarray(drawn_cell()[0]).save(cells / f"good-{number}.png")
    totals = [json.loads(run(cells, "--out", out, "--shard", f"{n}/3", "--json")[1]) for n in (1, 2, 3)]
    assert [sum(total[status] for total in totals) for status in ("done", "failed", "skipped")] == [3, 6, 0]
    lists = sorted(out.glob("failures*.json"))
    assert {path.name for path in lists} <= {f"failures-{n}of3.json" for n in (1, 2, 3)} and len(lists) > 1
    named = [failure["file"] for path in lists for failure in json.loads(path.read_text())]
    assert sorted(Path(name).name for name in named) == [f"bad-{number}.png" for number in range(6)]
    for number in range(5):
        (cells / f"bad-{number}.png").unlink()
    assert run(cells / "good-0.png", "--out", tmp_path / "out")[0] == 0
    assert [path.name for path in out.glob("failures*.json")] == ["failures.json"], "a whole run merges the lists"
    assert len(json.loads((out / "failures.json").read_text())) == 6


def test_a_list_of_sources_stands_beside_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chromseg.api.load_predictor", lambda uri, device: threshold_predictor())
    for name in ("a", "b"):
        Image.fromarray(drawn_cell()[0]).save(tmp_path / f"{name}.png")
    (tmp_path / "list.txt").write_text(f"{tmp_path / 'a.png'}\n\n{tmp_path / 'b.png'}\n")
    done = run("--list", tmp_path / "list.txt", "--out", tmp_path / "out", "--json")
    assert json.loads(done[1])["done"] == 2
    assert run("--out", tmp_path / "out")[0] == 2
    (tmp_path / "list.txt").write_text("\n")
    assert run("--list", tmp_path / "list.txt", "--out", tmp_path / "out")[0] == 1
    assert run(tmp_path / "a.png", "--out", tmp_path / "out", "--shard", "3/2")[0] == 2
