"""One way from the bytes of a file to its chromosomes, for all who go it."""

from __future__ import annotations

import asyncio
import io
import json
import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from drawn_cells import drawn_cascade, drawn_cell, recalling_predictor, threshold_predictor
from PIL import Image

from chromseg.errors import InputRefusedError
from chromseg.inference.asked import Asked
from chromseg.inference.batch import Job
from chromseg.inference.exports import to_coco
from chromseg.inference.files import PictureWorker
from chromseg.inference.one_picture import predict_file
from chromseg.inference.predictor import Predictor
from chromseg.inference.result import Result
from chromseg.serving.engine import Engine
from chromseg.serving.models import Loaded
from chromseg.serving.render import Wanted
from chromseg.serving.settings import ServeSettings


def encoded(*pages: np.ndarray) -> bytes:
    stream = io.BytesIO()
    first, *rest = map(Image.fromarray, pages)
    first.save(stream, "TIFF", save_all=True, append_images=rest)
    return stream.getvalue()


def found_in(coco: dict) -> list[tuple]:
    return [(one["segmentation"], one["score"], one["flags"], one["bbox"]) for one in coco["annotations"]]


@pytest.fixture(params=["maps", "detector", "cascade"])
def predictor(request: pytest.FixtureRequest) -> Predictor:
    masks = drawn_cell()[1]
    made = {"maps": threshold_predictor, "detector": lambda: recalling_predictor(masks)}
    return made.get(request.param, lambda: drawn_cascade(masks))()


def test_predict_the_function_and_the_server_find_the_same(predictor: Predictor, tmp_path: Path) -> None:
    content = encoded(drawn_cell()[0])
    (tmp_path / "cell.tif").write_bytes(content)
    (verdict,) = predict_file(content, predictor, Asked())
    assert isinstance(verdict.outcome, Result) and len(verdict.outcome.instances) == 4
    expected = found_in(to_coco(verdict.outcome))
    assert found_in(to_coco(predictor.predict(content))) == expected
    PictureWorker(predictor)(Job(tmp_path / "cell.tif", tmp_path / "out"))
    assert found_in(json.loads((tmp_path / "out" / "instances.json").read_text())) == expected
    assert found_in(asyncio.run(_served(predictor, content))) == expected


async def _served(predictor: Predictor, content: bytes) -> dict:
    loaded = Loaded(predictor)
    engine = Engine(ServeSettings(splicers=0), SimpleNamespace(current=lambda: None, load=lambda version: loaded))
    try:
        done = await engine.segment(content, Asked(), Wanted("coco"))
    finally:
        await asyncio.to_thread(engine.close)
    return json.loads(done.answer.rendered.body)


def test_every_page_has_a_verdict_and_a_bad_one_does_not_hide_the_others() -> None:
    picture = drawn_cell()[0]
    verdicts = predict_file(encoded(picture, np.zeros_like(picture), picture), threshold_predictor(), Asked())
    assert [type(each.outcome) for each in verdicts] == [Result, InputRefusedError, Result]
    assert "page 2" in str(verdicts[1].outcome)


def test_the_steps_may_run_in_other_processes() -> None:
    """What goes from one step to the next survives the way there."""
    predictor, asked, content = threshold_predictor(), Asked(), encoded(drawn_cell()[0])
    prepared = pickle.loads(pickle.dumps(predictor.prepare(asked.decode(content), asked)))
    (remainder,) = predictor.begin([prepared.scaled])
    apart = prepared.finish(pickle.loads(pickle.dumps(remainder)))
    (whole,) = predict_file(content, predictor, asked)
    assert isinstance(whole.outcome, Result)
    assert found_in(to_coco(apart)) == found_in(to_coco(whole.outcome))
    assert {"validate", "network", "partition", "map back"} <= whole.outcome.timings_ms.keys()
