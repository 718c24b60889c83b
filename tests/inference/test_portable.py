"""Folders of results have names that Windows can hold, whatever the pictures are called."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from chromseg.errors import DataError
from chromseg.inference.batch import plan_jobs
from chromseg.inference.map_files import plan_maps
from chromseg.inference.portable import portable

NAMES = {
    "cell": "cell",
    "Zelle 3.b": "Zelle 3.b",
    "con": "con_",
    "AUX": "AUX_",
    "nul.day 1": "nul_.day 1",
    "com1": "com1_",
    "console": "console",
    "end.": "end_",
    "end. .": "end___",
    "a:b": "a_b",
    'x<>"|?*\\y': "x_______y",
    "tab\there": "tab_here",
    ".hidden": ".hidden",
}


@pytest.mark.parametrize(("name", "held"), NAMES.items())
def test_a_name_that_windows_cannot_hold_gets_another(name: str, held: str) -> None:
    assert portable(PurePosixPath("day.") / name) == PurePosixPath("day_") / held
    there = PureWindowsPath(held)
    assert not there.is_reserved() and there.parts == (held,) and held == held.rstrip(". ")


def test_a_path_of_windows_keeps_its_folders() -> None:
    assert portable(PureWindowsPath(r"Day 1\con\Cell.")) == PureWindowsPath(r"Day 1\con_\Cell_")
    assert portable(PureWindowsPath(r"Day 1\a")) == PureWindowsPath(r"day 1\A")  # hence such two collide there


def test_two_pictures_that_would_share_a_folder_on_windows_are_refused(tmp_path: Path) -> None:
    for name in ("cell..png", "cell_.png", "chromosome_a:b.png", "crossing_a:b.png", "chromosome_a_b.png"):
        (tmp_path / name).touch()
    (tmp_path / "crossing_a_b.png").touch()
    with pytest.raises(DataError, match="would both be written to"):
        plan_jobs([tmp_path], tmp_path / "out")
    with pytest.raises(DataError, match="would both be written to"):
        plan_maps(tmp_path, tmp_path / "out")
