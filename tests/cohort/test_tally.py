"""The sum of a cohort, for machines and for the person who looks at it when it is done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chromseg.cohort.outcome import PictureOutcome, failed
from chromseg.cohort.report import earlier_failures, write_report
from chromseg.cohort.sources import PictureFile
from chromseg.cohort.tally import Tally
from chromseg.errors import DataError, InputRefusedError
from chromseg.inference.result import ModelIdentity
from chromseg.inference.shard import Shard

MODEL = ModelIdentity("drawn", "3", "w" * 64, {}, None, {}, "0.1")


def picture(name: str, count: int, flagged: int = 0, status: str = "done", left: int | None = None) -> PictureOutcome:
    timings = {"network": 100.0, "partition": 20.0} if status == "done" else {}
    return PictureOutcome(PictureFile(f"{name}.png", name), status, "0" * 64, count, flagged, left, timings_ms=timings)  # type: ignore[arg-type]


def refused(name: str) -> PictureOutcome:
    error = InputRefusedError("<b>blank</b> (rule not-blank)", expected="a picture", remedy="take another")
    return failed(PictureFile(name, name), error, "0" * 64)


@pytest.fixture
def tally() -> Tally:
    times = iter([0.0, *[10.0] * 50])
    made = Tally(8, clock=lambda: next(times))
    for one in (picture("a", 46), picture("b", 46, 23), picture("c", 45, 1), picture("d", 46, 0, "skipped")):
        made.add(one)
    made.add(refused("e.png"))
    return made


def test_the_sum_counts_each_picture_once(tally: Tally) -> None:
    facts = tally.to_json()
    assert [facts[key] for key in ("done", "skipped", "refused", "failed")] == [3, 1, 1, 0]
    assert facts["chromosomes_of_pictures"] == {"45": 1, "46": 3} and facts["chromosomes"] == 183
    assert facts["ms_a_picture"] == {"network": 100.0, "partition": 20.0}
    assert [each["file"] for each in facts["worst"]] == ["b.png", "c.png"]
    assert tally.line() == "5 of 8 pictures, 0.50/s, 6 s left, 1 not-blank"


def test_pieces_that_belong_to_no_chromosome_are_to_be_looked_at_too() -> None:
    tally = Tally()
    for one in (picture("a", 46, 2), picture("b", 44, left=6), picture("c", 46, left=0), picture("d", 0, left=1)):
        tally.add(one)
    facts = tally.to_json()
    assert (facts["to_review"], facts["unclaimed"]) == (9, 7)
    assert [each["file"] for each in facts["worst"]] == ["d.png", "b.png", "a.png"]
    assert facts["worst"][1] == {"file": "b.png", "flagged": 0, "unclaimed": 6, "chromosomes": 44}


def test_memory_does_not_grow_with_the_cohort() -> None:
    tally = Tally()
    for number in range(500):
        tally.add(picture(f"{number}", 40 + number % 10, 1 + number % 7))
    assert len(tally.worst) == 20 and not tally.failures and len(tally.counts) == 10
    assert min(each["flagged"] / each["chromosomes"] for each in tally.worst) >= 6 / 46


def test_the_page_says_what_the_numbers_say(tally: Tally, tmp_path: Path) -> None:
    write_report(str(tmp_path), tally, MODEL, Shard())
    page = (tmp_path / "summary.html").read_text()
    for text in ("5 pictures", "13.1%", "not-blank", "b.png", "most often 46, in 75% of the pictures", "failures.json"):
        assert text in page, text
    assert json.loads((tmp_path / "summary.json").read_text())["weights_sha256"] == "w" * 64
    (failure,) = json.loads((tmp_path / "failures.json").read_text())
    assert failure["file"] == "e.png" and failure["remedy"] == "take another"


def test_what_failed_before_stays_until_it_has_another_outcome(tmp_path: Path) -> None:
    earlier = [{"file": f"{name}.png", "got": "x", "expected": "y", "remedy": "z"} for name in ("elsewhere", "a")]
    for number, failure in enumerate(earlier, start=1):
        (tmp_path / f"failures-{number}of2.json").write_text(json.dumps([failure]))
    assert list(earlier_failures(str(tmp_path), Shard(2, 2))) == ["a.png"], "a share looks at its own"
    tally = Tally(earlier=earlier_failures(str(tmp_path), Shard()))
    for outcome in (picture("a", 46), failed(PictureFile("b", "b"), DataError("g", expected="e", remedy="r"))):
        tally.add(outcome)
    write_report(str(tmp_path), tally, MODEL, Shard())
    assert [path.name for path in sorted(tmp_path.glob("failures*"))] == ["failures.json"]
    assert [each["file"] for each in json.loads((tmp_path / "failures.json").read_text())] == ["elsewhere.png", "b"]


def test_nothing_at_all_is_a_page_too(tmp_path: Path) -> None:
    write_report(str(tmp_path), Tally(0), MODEL, Shard(2, 4))
    assert "No picture was predicted on." in (tmp_path / "summary-2of4.html").read_text()
    assert not list(tmp_path.glob("failures*"))
