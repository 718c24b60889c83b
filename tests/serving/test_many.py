"""Several pictures in one request, and many instances on one picture."""

from __future__ import annotations

import base64
import json
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from fastapi.testclient import TestClient
from serving_app import client, png

from chromseg.errors import DataError
from chromseg.serving.documents import Document, instances_of
from chromseg.serving.render import Wanted
from chromseg.serving.schemas import SegmentationOfMany
from chromseg.serving.work import Exporting

BLANK = png(np.zeros((64, 64), np.uint8))


@pytest.fixture(scope="module")
def server() -> Iterator[TestClient]:
    with client(queue=2) as found:
        yield found


def form(*contents: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("image", (f"{number}.png", content)) for number, content in enumerate(contents)]


@pytest.mark.parametrize("format", ["json", "coco"])
def test_every_picture_of_a_form_is_answered(server: TestClient, format: str) -> None:
    query = {"format": format}
    alone = server.post("/v1/segment", content=png(), params=query).json()
    answer = server.post("/v1/segment", files=form(png(), BLANK, png()), params=query)
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [(one["picture"], one["status"]) for one in results] == [(1, 200), (2, 422), (3, 200)]
    assert results[0]["result"]["annotations"] == results[2]["result"]["annotations"] == alone["annotations"]
    assert [failure["rule"] for failure in results[1]["error"]["failures"]] == ["not-blank"]
    if format == "json":
        assert SegmentationOfMany.model_validate(answer.json())


def test_a_format_for_one_picture_is_refused_for_several(server: TestClient) -> None:
    answer = server.post("/v1/segment", files=form(png(), png()), params={"format": "zip"})
    assert (answer.status_code, "format=zip for 2 pictures" in answer.text) == (400, True)


def test_instances_are_of_one_picture(server: TestClient) -> None:
    answer = server.post("/v1/export", files=form(png(), png()), data={"instances": '{"annotations": []}'})
    assert (answer.status_code, answer.json()["error"]["got"]) == (400, "2 images")


def test_a_refused_row_does_not_lose_the_others(server: TestClient) -> None:
    rows = [base64.b64encode(content).decode() for content in (png(), BLANK, png())]
    answer = server.post("/invocations", json={"inputs": {"image": rows}})
    assert answer.status_code == 200
    first, refused, last = answer.json()["predictions"]
    assert len(json.loads(first["instances"])["annotations"]) == len(json.loads(last["instances"])["annotations"]) == 4
    assert refused["instances"] is None and "not-blank" in refused["error"]


def squares(count: int, side: int, reach: int = 900) -> Document:
    rng = np.random.default_rng(0)
    corners = rng.integers(0, reach, (count, 2)).tolist()
    rings = [[x, y, x + side, y, x + side, y + side, x, y + side] for x, y in corners]
    return Document.model_validate({"annotations": [{"segmentation": [ring]} for ring in rings]})


@pytest.mark.parametrize("format", ["coco", "overlay"])
def test_many_instances_take_the_memory_of_few(format: str) -> None:
    picture = png(np.random.default_rng(0).integers(0, 255, (1000, 1000), dtype=np.uint8))

    def peak(count: int) -> float:
        tracemalloc.start()
        Exporting(picture, 0, squares(count, 20), 2_000_000, Wanted(format))()  # type: ignore[arg-type]
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most / 2**20

    assert peak(120) - peak(20) < 20  # MiB; a hundred masks of the whole picture are 95


def test_boxes_of_all_instances_are_bounded() -> None:
    absorbance = np.zeros((1000, 1000), np.float32)
    assert len(instances_of(squares(60, 900, reach=90).annotations, absorbance)) == 60
    with pytest.raises(DataError, match="64 megapixels"):
        instances_of(squares(90, 900, reach=90).annotations, absorbance)
