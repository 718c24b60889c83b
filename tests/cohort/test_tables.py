"""The two tables: what stands in them, that work done twice is written once, and what a killed driver leaves."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.dataset
import pyarrow.parquet
import pytest
from drawn_cells import drawn_cell, threshold_predictor
from PIL import Image
from pyarrow import fs

from chromseg.annotations import decode_rle
from chromseg.cohort import storage
from chromseg.cohort.outcome import PictureOutcome, failed
from chromseg.cohort.sources import PictureFile
from chromseg.cohort.tables import PictureFacts, Tables
from chromseg.cohort.verdicts import outcome_of
from chromseg.errors import DataError, InputRefusedError, OutputError
from chromseg.inference.asked import Asked
from chromseg.inference.one_picture import Verdict, predict_file
from chromseg.inference.result import ModelIdentity, Piece, Result
from chromseg.inference.shard import Shard

MODEL = ModelIdentity("drawn", "1", "w" * 64, {"sample": "d" * 32}, "c" * 40, {}, "0.1")
REFUSED = InputRefusedError("blank (rule not-blank)", expected="a picture", remedy="take another")
FAILED = DataError("it broke", expected="that it holds", remedy="mend it")


def tables(out: Path, shard: Shard | None = None, **options: object) -> Tables:
    return Tables(str(out), MODEL, {"asked_polarity": "auto", **options}, shard or Shard())


def rows(out: Path, table: str) -> list[dict]:
    found = pyarrow.dataset.dataset(str(out / table), format="parquet", partitioning="hive").to_table()
    return sorted(found.to_pylist(), key=lambda row: (row["source"], row.get("id", 0)))


@pytest.fixture(scope="module")
def outcomes() -> list[PictureOutcome]:
    stream = io.BytesIO()
    Image.fromarray(drawn_cell()[0]).save(stream, "PNG")
    verdicts = predict_file(stream.getvalue(), threshold_predictor(), Asked())
    done = outcome_of(PictureFile("s3://b/a.png", "a"), "a" * 64, verdicts)
    return [
        done,
        failed(PictureFile("s3://b/b.png", "b"), REFUSED, "b" * 64),
        failed(PictureFile("s3://b/c.png", "c"), FAILED, "c" * 64),
    ]


def test_a_row_a_picture_and_a_row_a_chromosome(outcomes: list[PictureOutcome], tmp_path: Path) -> None:
    left = tables(tmp_path).write(outcomes)
    assert [each.chromosomes for each in left] == [(), (), ()]
    first, second = rows(tmp_path, "pictures")
    assert (first["status"], first["chromosomes"], first["pages"][0]["width"]) == ("done", 4, 200)
    assert (second["status"], second["rule"], second["weights_sha256"]) == ("refused", "not-blank", "w" * 64)
    found = rows(tmp_path, "chromosomes")
    assert [row["id"] for row in found] == [1, 2, 3, 4] and {row["source"] for row in found} == {"s3://b/a.png"}
    for row in found:
        rle = {"counts": row["rle_counts"], "size": [row["rle_height"], row["rle_width"]]}
        mask = decode_rle(rle, row["rle_height"], row["rle_width"])
        box = mask[row["y"] : row["y"] + row["height"], row["x"] : row["x"] + row["width"]]
        assert mask.sum() == box.sum() == row["area"]
        assert max((mask & true).sum() / (mask | true).sum() for true in drawn_cell()[1]) > 0.8


def test_pieces_that_belong_to_no_chromosome_are_counted_by_page_and_picture(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.fromarray(drawn_cell()[0]).save(stream, "PNG")
    (verdict,) = predict_file(stream.getvalue(), threshold_predictor(), Asked())
    result = verdict.outcome
    assert isinstance(result, Result)
    piece = result.instances[0]
    left = replace(result, unclaimed=(Piece(piece.own, piece.shape, piece.bbox),) * 2)
    pages = [Verdict(0, left), Verdict(1, replace(result, unclaimed=None)), Verdict(2, left)]
    tables(tmp_path).write([outcome_of(PictureFile("s3://b/a.tif", "a"), "a" * 64, pages)])
    (row,) = rows(tmp_path, "pictures")
    assert (row["unclaimed"], [page["unclaimed"] for page in row["pages"]]) == (4, [2, None, 2])
    (facts,) = tables(tmp_path).known()["s3://b/a.tif"].values()
    assert facts.unclaimed == 4


def test_parts_of_a_version_that_did_not_tell_of_pieces_are_known(
    outcomes: list[PictureOutcome], tmp_path: Path
) -> None:
    tables(tmp_path).write(outcomes)
    (part,) = (tmp_path / "pictures").rglob("*.parquet")
    pyarrow.parquet.write_table(pyarrow.parquet.ParquetFile(part).read().drop_columns(["unclaimed"]), part)
    assert tables(tmp_path).known()["s3://b/a.png"]["a" * 64].unclaimed is None


def test_what_is_done_twice_is_written_once(outcomes: list[PictureOutcome], tmp_path: Path) -> None:
    """Ray repeats the work of a node that it lost, and a picture that failed for the moment may do better then."""
    later = replace(outcomes[0], file=outcomes[2].file, image_sha256="c" * 64)
    run = tables(tmp_path)
    for again in (outcomes, outcomes[::-1], [*outcomes[:2], later]):
        run.write(again)
    assert [row["key"] for row in rows(tmp_path, "pictures")] == ["a", "b", "c"]
    assert [row["key"] for row in rows(tmp_path, "chromosomes")] == ["a"] * 4 + ["c"] * 4


def test_another_run_writes_over_nothing(outcomes: list[PictureOutcome], tmp_path: Path) -> None:
    tables(tmp_path).write(outcomes)
    changed = [replace(each, image_sha256="d" * 64) for each in outcomes]
    tables(tmp_path).write(changed)
    said = [row["key"] + row["image_sha256"][0] for row in rows(tmp_path, "pictures")]
    assert sorted(said) == ["aa", "ad", "bb", "bd"]


def test_what_is_known_is_what_was_decided_with_equal_model_and_options(
    outcomes: list[PictureOutcome], tmp_path: Path
) -> None:
    tables(tmp_path).write(outcomes)
    said = (REFUSED.got, REFUSED.expected, REFUSED.remedy)
    assert tables(tmp_path, Shard(1, 2)).known() == {
        "s3://b/a.png": {"a" * 64: PictureFacts("done", 4, outcomes[0].flagged, outcomes[0].unclaimed)},
        "s3://b/b.png": {"b" * 64: PictureFacts("refused", 0, 0, None, "not-blank", *said)},
    }, "what failed is tried again"
    known = tables(tmp_path).known()["s3://b/b.png"]["b" * 64].outcome(outcomes[1].file, "b" * 64)
    assert (known.status, known.rule, str(known.error)) == ("refused", "not-blank", str(REFUSED))
    assert tables(tmp_path).write([known])[0].known and len(rows(tmp_path, "pictures")) == 2
    assert tables(tmp_path, strict=True).known() == {} == tables(tmp_path / "elsewhere").known()


def test_chromosomes_whose_pictures_were_never_written_are_removed(
    outcomes: list[PictureOutcome], tmp_path: Path
) -> None:
    for shard in (Shard(1, 2), Shard(2, 2)):
        tables(tmp_path, shard).write([outcomes[shard.number - 1]])
        for part in (tmp_path / "pictures").rglob(f"part-{shard.number}of2-*"):
            part.unlink()  # as if the driver had been killed between the two
    tables(tmp_path, Shard(2, 2)).remove_unfinished()
    left = [path.name for path in (tmp_path / "chromosomes").rglob("*.parquet")]
    assert len(left) == 1 and left[0].startswith("part-1of2-"), "another share may be at work on its own"
    assert np.array([row["id"] for row in rows(tmp_path, "chromosomes")]).size == 4


class Listed:
    """A store whose files this account may see, but neither read nor remove."""

    get_file_info = staticmethod(fs.LocalFileSystem().get_file_info)

    def open_input_file(self, path: str) -> None:
        raise PermissionError(13, "Forbidden", path)

    delete_file = open_input_file


def test_what_may_only_be_listed_is_one_line(
    outcomes: list[PictureOutcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables(tmp_path).write(outcomes)
    monkeypatch.setattr(storage, "_opened", lambda place: (Listed(), place))
    with pytest.raises(DataError, match=r"cannot be read \(Forbidden"):
        tables(tmp_path).known()
    shutil.rmtree(tmp_path / "pictures")
    with pytest.raises(OutputError, match=r"cannot remove .*Forbidden"):
        tables(tmp_path).remove_unfinished()


def test_a_process_that_only_writes_needs_no_pytorch() -> None:
    """It would take seconds and 300 MB of each writer."""
    program = "import sys, chromseg.cohort.tables; sys.exit(str(sorted({'torch', 'torchvision'} & sys.modules.keys())))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.stderr == "[]\n"
