"""Many pictures: where each goes, what is skipped, what happens to the rest when one fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chromseg.errors import DataError, InputRefusedError, OutputError
from chromseg.files import sha256, write_json
from chromseg.inference.batch import Job, Outcome, done_before, plan_jobs, run_jobs


def touch(path: Path, content: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_paths_below_a_folder_are_mirrored(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    touch(source / "b.PNG"), touch(source / "deep/er/a.tif"), touch(source / "notes.txt")
    folders = [job.folder.relative_to(out).as_posix() for job in plan_jobs([source], out)]
    assert folders == ["b", "deep/er/a"]


def test_results_inside_the_source_are_no_pictures(tmp_path: Path) -> None:
    touch(tmp_path / "a.png"), touch(tmp_path / "out/a/overlay.png")
    assert [job.source.name for job in plan_jobs([tmp_path], tmp_path / "out")] == ["a.png"]


def test_two_pictures_of_one_stem_are_refused(tmp_path: Path) -> None:
    touch(tmp_path / "a.png"), touch(tmp_path / "a.tif")
    with pytest.raises(DataError, match="would both be written"):
        plan_jobs([tmp_path], tmp_path / "out")


def test_nothing_to_do_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file or folder"):
        plan_jobs([tmp_path / "gone"], tmp_path / "out")
    with pytest.raises(DataError, match="holds no picture"):
        plan_jobs([tmp_path], tmp_path / "out")


def test_one_bad_picture_does_not_stop_the_rest(tmp_path: Path) -> None:
    jobs = [Job(tmp_path / name, tmp_path / "out" / name) for name in ("a", "b", "c")]

    def work(job: Job) -> Outcome:
        if job.source.name == "b":
            raise InputRefusedError("b is blank", expected="objects", remedy="take it again")
        return Outcome(job, "done", 3, 1)

    seen: list[str] = []
    outcomes = run_jobs(jobs, tmp_path / "out", work, lambda outcome: seen.append(outcome.status))
    assert seen == ["done", "failed", "done"] == [outcome.status for outcome in outcomes]
    (failure,) = json.loads((tmp_path / "out/failures.json").read_text())
    assert failure["file"].endswith("b") and failure["got"] == "b is blank"
    run_jobs(jobs, tmp_path / "out", lambda job: Outcome(job, "done"), lambda outcome: None)
    assert not (tmp_path / "out/failures.json").exists(), "an old list of failures must not survive a clean run"


def test_a_place_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    def work(job: Job) -> Outcome:
        raise OutputError("disk full", expected="space", remedy="free some")

    with pytest.raises(OutputError):
        run_jobs([Job(tmp_path, tmp_path)], tmp_path, work, lambda outcome: None)


def test_done_means_same_bytes_weights_and_options(tmp_path: Path) -> None:
    source = touch(tmp_path / "a.png")
    job = Job(source, tmp_path / "a")
    made = {
        "model": {"image_sha256": sha256(source), "weights_sha256": "w"},
        "options": {"asked_scale": "auto", "scale": 1.0},
        "annotations": [{"flags": []}, {"flags": ["needs-review"]}],
    }
    assert not done_before(job, weights_sha256="w", options={"asked_scale": "auto"})
    write_json(tmp_path / "a/instances.json", made)
    before = done_before(job, weights_sha256="w", options={"asked_scale": "auto"})
    assert before == Outcome(job, "skipped", count=2, review=1)
    write_json(tmp_path / "a/instances.json", made | {"unclaimed": [{}, {}]})
    assert done_before(job, weights_sha256="w", options={}) == Outcome(job, "skipped", count=2, review=3)
    assert not done_before(job, weights_sha256="v", options={"asked_scale": "auto"})
    assert not done_before(job, weights_sha256="w", options={"asked_scale": 2.0})
    touch(source, "y")
    assert not done_before(job, weights_sha256="w", options={"asked_scale": "auto"})
    touch(tmp_path / "a/instances.json", '{"half": ')
    assert not done_before(job, weights_sha256="w", options={})


def test_an_error_that_nobody_foresaw_is_one_failure(tmp_path: Path) -> None:
    jobs = [Job(tmp_path / name, tmp_path / "out" / name) for name in ("a", "b")]

    def work(job: Job) -> Outcome:
        if job.source.name == "a":
            raise TypeError("Missing dimensions")
        return Outcome(job, "done", 3)

    outcomes = run_jobs(jobs, tmp_path / "out", work, lambda _: None)
    assert [outcome.status for outcome in outcomes] == ["failed", "done"]
    assert "TypeError: Missing dimensions" in str(outcomes[0].error)


def test_failures_of_other_files_stay(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def failing(job: Job) -> Outcome:
        raise DataError("bad", expected="good", remedy="mend it")

    run_jobs([Job(tmp_path / "a", out / "a")], out, failing, lambda _: None)
    run_jobs([Job(tmp_path / "b", out / "b")], out, lambda job: Outcome(job, "done"), lambda _: None)
    assert [each["file"] for each in json.loads((out / "failures.json").read_text())] == [str(tmp_path / "a")]
