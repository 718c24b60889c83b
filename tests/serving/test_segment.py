"""POST /v1/segment: every way in, every format out, and the same instances as `predict`."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tifffile
from drawn_cells import drawn_cell, threshold_predictor
from fastapi.testclient import TestClient
from PIL import Image
from serving_app import client, png
from skimage.draw import polygon2mask

from chromseg.annotations import decode_rle
from chromseg.inference.exports import to_coco
from chromseg.serving import engine
from chromseg.serving.schemas import ErrorAnswer, Segmentation


@pytest.fixture(scope="module")
def server() -> Iterator[TestClient]:
    with client() as found:
        yield found


def segmented(server: TestClient, content: bytes, **query: Any) -> dict[str, Any]:
    answer = server.post("/v1/segment", content=content, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def comparable(annotations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in one.items() if key not in ("outline", "crop")} for one in annotations]


def test_raw_body_and_form_give_what_predict_gives(server: TestClient) -> None:
    predicted = to_coco(threshold_predictor().predict(png()))
    raw = segmented(server, png())
    form = server.post("/v1/segment", files={"image": ("cell.png", png())}).json()
    assert raw["annotations"] == form["annotations"] == predicted["annotations"]
    assert len(raw["annotations"]) == 4
    assert raw["validation"] == predicted["validation"]
    assert raw["model"]["image_sha256"] == predicted["model"]["image_sha256"]


def test_the_answer_is_what_openapi_says(server: TestClient) -> None:
    found = segmented(server, png(), include="picture,outlines,crops,crossings")
    assert Segmentation.model_validate(found)
    assert found["model"]["version"] == "1"
    assert {"decode", "validate", "queue", "network", "partition", "total"} <= found["timings_ms"].keys()
    assert found["images"] == [{"id": 1, "file_name": "", "height": 200, "width": 200, "page": 0, "pages": 1}]


@pytest.mark.parametrize(
    "content",
    [
        png(format="BMP"),
        png(format="TIFF"),
        png(255 - drawn_cell()[0]),
        png(drawn_cell()[0].astype(np.uint16) * 257, "TIFF"),
        png(np.repeat(drawn_cell()[0][..., None], 3, axis=2)),
    ],
    ids=["bmp", "tiff", "light on dark", "16 bit", "colour"],
)
def test_every_kind_of_file(server: TestClient, content: bytes) -> None:
    assert len(segmented(server, content)["annotations"]) == 4


def test_a_page_of_a_stack(server: TestClient) -> None:
    stack, empty = io.BytesIO(), np.full((200, 200), 220, np.uint8)
    pages = [Image.fromarray(page) for page in (empty, drawn_cell()[0])]
    pages[0].save(stack, "TIFF", save_all=True, append_images=pages[1:])
    found = segmented(server, stack.getvalue(), page=1)
    assert (len(found["annotations"]), found["images"][0]["pages"]) == (4, 2)
    assert server.post("/v1/segment", content=stack.getvalue(), params={"page": 2}).status_code == 422


def test_coco_is_instances_json(server: TestClient) -> None:
    answer = server.post("/v1/segment", content=png(), params={"format": "coco"})
    predicted = to_coco(threshold_predictor().predict(png()), options={"asked_polarity": "auto", "asked_scale": "auto"})
    assert answer.json() == json.loads(json.dumps(predicted))


def test_zip_holds_all_pictures(server: TestClient) -> None:
    answer = server.post("/v1/segment", content=png(), params={"format": "zip"})
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    crops = [f"chromosomes/{n:03d}.png" for n in range(1, 5)]
    assert archive.namelist() == ["instances.json", "overlay.png", "contact_sheet.png", *crops]
    assert answer.headers["content-disposition"].endswith('.zip"')


@pytest.mark.parametrize("format", ["overlay", "contact-sheet"])
def test_pictures(server: TestClient, format: str) -> None:
    answer = server.post("/v1/segment", content=png(), params={"format": format})
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.format == "PNG" and np.asarray(picture).std() > 0
    assert answer.headers["x-model-version"] == "1"


def test_ome_tiff_has_a_plane_for_each_mask(server: TestClient) -> None:
    answer = server.post("/v1/segment", content=png(), params={"format": "ome-tiff"})
    with tifffile.TiffFile(io.BytesIO(answer.content)) as tiff:
        assert tiff.is_ome
        planes = tiff.asarray()
    masks = drawn_cell()[1]
    assert planes.shape == (5, 200, 200)
    for plane in planes[1:]:
        best = max(((plane > 0) & mask).sum() / ((plane > 0) | mask).sum() for mask in masks)
        assert best > 0.9


def test_outlines_filled_give_the_masks_back(server: TestClient) -> None:
    found = segmented(server, png(), include="outlines")
    for annotation in found["annotations"]:
        filled = np.zeros((200, 200), dtype=int)
        for ring in annotation["outline"]:
            points = np.array(ring).reshape(-1, 2)[:, ::-1] - 0.5  # pixel (0, 0) covers 0 to 1
            filled += polygon2mask((200, 200), points)
        np.testing.assert_array_equal(filled % 2 == 1, decode_rle(annotation["segmentation"], 200, 200))


def test_crossings_name_who_crosses(server: TestClient) -> None:
    (crossing,) = segmented(server, png(), include="crossings")["crossings"]
    assert len(crossing["annotations"]) == 2
    assert abs(crossing["area"] - 121) < 30


def test_polarity_and_scale_are_taken(server: TestClient) -> None:
    found = segmented(server, png(), polarity="dark-on-light", scale="0.5")
    assert found["options"] == {
        "polarity": "dark-on-light",
        "scale": 0.5,
        "asked_polarity": "dark-on-light",
        "asked_scale": 0.5,
    }


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"format": "gif"}, "format"),
        ({"scale": "-1"}, "scale"),
        ({"scale": "nan"}, "scale"),
        ({"page": "-1"}, "page"),
        ({"polarity": "sideways"}, "polarity"),
        ({"include": "secrets"}, "secrets"),
    ],
)
def test_a_wrong_query_is_told(server: TestClient, query: dict[str, str], word: str) -> None:
    answer = server.post("/v1/segment", content=png(), params=query)
    assert answer.status_code == 400
    error = ErrorAnswer.model_validate(answer.json()).error
    assert error.kind == "bad-request" and word in error.got


def test_names_are_told_only_if_asked() -> None:
    with client(keep_names=True) as server:
        answer = server.post("/v1/segment", files={"image": ("patient 12.png", png())})
    assert answer.json()["images"][0]["file_name"] == "patient 12.png"


def test_other_requests_are_told_what_is_wrong(server: TestClient) -> None:
    for method, path, status in (("GET", "/v1/segment", 405), ("GET", "/v1/nothing", 404)):
        answer = server.request(method, path)
        assert answer.status_code == status
        assert ErrorAnswer.model_validate(answer.json())


def test_memory_is_given_back_after_large_pictures_and_in_idle_times(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []  # of this server, and of that of the module, which may tidy too
    monkeypatch.setattr(engine, "give_back_freed_memory", lambda: threads.append(threading.get_ident()))
    monkeypatch.setattr(engine, "_IDLE", 0.1)
    monkeypatch.setattr(engine, "_AGAIN", 0.1)
    monkeypatch.setattr(engine, "_LARGE", 10_000)
    with client() as server:

        def given() -> int:
            own = {thread.ident for thread in server.app.state.engine._threads._threads}
            return sum(thread in own for thread in threads)

        segmented(server, png(drawn_cell(200)[0]))
        deadline = time.monotonic() + 30
        while given() < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)  # five times as long as it takes to give back more
        assert given() == 2  # once after the picture, once when all was quiet
