"""What a worker does with each picture, without a cluster: Ray's references stand for what they refer to."""

from __future__ import annotations

import hashlib
import io
import itertools
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import ray
from drawn_cells import drawn_cell, threshold_predictor
from PIL import Image

from chromseg.cohort.ledger import STRIKES, Ledger
from chromseg.cohort.outcome import SET_ASIDE, PictureOutcome
from chromseg.cohort.sources import PictureFile
from chromseg.cohort.tables import PictureFacts
from chromseg.cohort.worker import Opener, Segmenter, Work
from chromseg.errors import ModelError, OutputError
from chromseg.inference.asked import Asked
from chromseg.inference.batch import Job
from chromseg.inference.files import PictureWorker
from chromseg.inference.shard import Shard

_NUMBER = itertools.count()


class ByHand:
    """A ledger in this process that is called as an actor is, with a journal of its own or that of another."""

    def __init__(self, folder: Path, other: ByHand | None = None) -> None:
        self.journal = other.journal if other else folder / f"journal-{next(_NUMBER)}"
        self.book = Ledger(self.journal)
        self.enter = SimpleNamespace(remote=self.book.enter)
        self.leave = SimpleNamespace(remote=self.book.leave)
        self.write = SimpleNamespace(remote=self.book.write)
        self.wrote = SimpleNamespace(remote=self.book.wrote)


@pytest.fixture(autouse=True)
def _references(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "get", lambda reference: reference)
    monkeypatch.setattr(ray, "get_runtime_context", lambda: SimpleNamespace(get_actor_id=lambda: "a worker"))


LOADER = SimpleNamespace(load=lambda device: threshold_predictor())


def picture(folder: Path, name: str, pixels: np.ndarray | None = None) -> PictureFile:
    file = folder / f"{name}.png"
    Image.fromarray(drawn_cell()[0] if pixels is None else pixels).save(file)
    return PictureFile(str(file), name)


@pytest.fixture
def do(tmp_path: Path) -> Callable[..., PictureOutcome]:
    def work(file: PictureFile, *, ledger: Any = None, known: Any = None, folders: Path | None = None) -> Any:
        segmenter = Segmenter(Work(Asked(), "cpu", folders), LOADER, known or {}, ledger or ByHand(tmp_path))
        return segmenter({"file": file})["outcome"]

    return work


def test_a_picture_is_done_refused_or_failed(do: Callable[..., PictureOutcome], tmp_path: Path) -> None:
    done = do(picture(tmp_path, "a"))
    assert (done.status, done.count, len(done.chromosomes)) == ("done", 4, 4)
    assert done.image_sha256 == hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    black = do(picture(tmp_path, "b", np.zeros((200, 200), np.uint8)))
    assert black.status == "refused" and black.rule and black.error is not None
    gone = do(PictureFile(str(tmp_path / "none.png"), "none"))
    assert (gone.status, gone.image_sha256) == ("failed", ""), "it is tried again"


def test_an_error_that_nobody_foresaw_is_its_pictures_alone(
    do: Callable[..., PictureOutcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chromseg.cohort.worker.predict_file", lambda *_: 1 / 0)
    outcome = do(picture(tmp_path, "a"))
    assert outcome.status == "failed" and "ZeroDivisionError" in str(outcome.error)


def test_what_was_decided_before_is_not_done_again(do: Callable[..., PictureOutcome], tmp_path: Path) -> None:
    file = picture(tmp_path, "a")
    sha256 = hashlib.sha256(file.read()).hexdigest()
    kept = do(file, known={file.name: {sha256: PictureFacts("done", 46, 3)}})
    assert (kept.status, kept.count, kept.flagged, kept.known) == ("skipped", 46, 3, True)
    assert do(file, known={file.name: {"0" * 64: PictureFacts("done", 46, 3)}}).status == "done", "other bytes"


def test_three_dead_workers_set_a_picture_aside_and_one_that_lives_clears_it(
    do: Callable[..., PictureOutcome], tmp_path: Path
) -> None:
    file, ledger = picture(tmp_path, "a"), ByHand(tmp_path)
    for _ in range(STRIKES - 1):  # began, and were not heard of again
        ledger.book.enter(file.name)
    assert do(file, ledger=ledger).status == "done"
    for _ in range(STRIKES):
        ledger.book.enter(file.name)
    outcome = do(file, ledger=ledger)
    assert (outcome.status, outcome.rule) == ("failed", SET_ASIDE) and "3 workers died" in str(outcome.error)
    assert do(picture(tmp_path, "b"), ledger=ledger).status == "done"


def test_folders_are_those_of_predict_and_are_skipped_next_time(
    do: Callable[..., PictureOutcome], tmp_path: Path
) -> None:
    file = picture(tmp_path, "a")
    assert do(file, folders=tmp_path / "out").status == "done"
    PictureWorker(threshold_predictor())(Job(Path(file.uri), tmp_path / "alone" / "a"))
    expected = sorted(path for path in (tmp_path / "alone").rglob("*") if path.is_file())
    assert len(expected) == 6
    for path in expected:
        assert path.read_bytes() == (tmp_path / "out" / path.relative_to(tmp_path / "alone")).read_bytes()
    again = do(file, folders=tmp_path / "out")
    assert (again.status, again.count) == ("skipped", 4)


def test_what_this_run_wrote_is_not_skipped_where_ray_repeats_it(
    do: Callable[..., PictureOutcome], tmp_path: Path
) -> None:
    file, ledger = picture(tmp_path, "a"), ByHand(tmp_path)
    for _ in range(2):
        outcome = do(file, folders=tmp_path / "out", ledger=ledger)
        assert (outcome.status, outcome.count, outcome.known) == ("done", 4, False)
    assert do(file, folders=tmp_path / "out").status == "skipped", "another run"


def test_what_this_run_wrote_is_known_to_the_ledger_after_its_death(
    do: Callable[..., PictureOutcome], tmp_path: Path
) -> None:
    file, before = picture(tmp_path, "a"), ByHand(tmp_path)
    assert do(file, folders=tmp_path / "out", ledger=before).status == "done"
    with before.journal.open("a") as journal:
        journal.write('\n"half a na')  # it died as it wrote this
    for _ in range(2):
        after = ByHand(tmp_path, before)
        assert do(file, folders=tmp_path / "out", ledger=after).status == "done", "as Ray repeats it"
        after.book.write("another\nname")
    assert ByHand(tmp_path, before).book.wrote("another\nname")
    assert do(file, folders=tmp_path / "out").status == "skipped", "another run"


def test_a_model_that_kills_its_worker_at_load_is_given_up(tmp_path: Path) -> None:
    """A worker that is killed says nothing: here its loading is interrupted before the ledger hears of its end."""
    ledger, loaded = ByHand(tmp_path), []
    deadly = SimpleNamespace(load=loaded.append)
    ledger.leave = SimpleNamespace(remote=lambda name: None)
    for _ in range(STRIKES):
        Segmenter(Work(Asked(), "cpu"), deadly, {}, ledger)({"file": picture(tmp_path, "a")})
    with pytest.raises(ModelError, match="3 workers died while they loaded the model"):
        Segmenter(Work(Asked(), "cpu"), deadly, {}, ledger)({"file": picture(tmp_path, "b")})
    assert len(loaded) == STRIKES


def test_a_place_that_cannot_be_written_ends_the_run(do: Callable[..., PictureOutcome], tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file, no folder")
    ledger = ByHand(tmp_path)
    with pytest.raises(OutputError):
        do(picture(tmp_path, "a"), folders=tmp_path / "out", ledger=ledger)
    assert ledger.book.enter(str(tmp_path / "a.png")) == 0, "the worker lives: no strike"


def test_strict_needs_a_model_that_knows_what_it_has_seen(tmp_path: Path) -> None:
    segmenter = Segmenter(Work(Asked(strict=True), "cpu"), LOADER, {}, ByHand(tmp_path))
    with pytest.raises(ModelError, match="does not say how the pictures look"):
        segmenter({"file": picture(tmp_path, "a")})


def test_an_archive_is_opened_and_other_shares_left_away(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "night.tar", "w") as tar:
        for number in range(20):
            header = tarfile.TarInfo(f"{number}.png")
            header.size = 1
            tar.addfile(header, io.BytesIO(b"x"))
    archive = {"file": PictureFile(str(tmp_path / "night.tar"), "night")}
    shares = [[row["file"].key for row in Opener(Shard(number, 3))(archive)] for number in (1, 2, 3)]
    assert sorted(key for share in shares for key in share) == sorted(f"night/{number}" for number in range(20))
    assert all(shares)
