"""Corrections: kept only where asked, and the next data version is made of them."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_cells import drawn_cell
from fastapi.testclient import TestClient
from PIL import Image
from serving_app import client, png
from typer.testing import CliRunner

from chromseg.annotations import (
    Dataset,
    DatasetCard,
    ImageRecord,
    InstanceRecord,
    decode_rle,
    encode_rle,
    load_masks,
    read_dataset,
    write_dataset,
)
from chromseg.cli.app import app as command
from chromseg.importers import import_dataset
from chromseg.serving import corrections, documents


def send(
    server: TestClient, original: dict[str, Any], corrected: Any, image: bytes | None = None, **fields: str
) -> Any:
    form = {"original": json.dumps(original), "corrected": json.dumps(corrected), "reviewer": "Ada"} | fields
    return server.post("/v1/corrections", data=form, files={"image": ("patient 12.png", image or png())})


def segmented(server: TestClient, image: bytes | None = None) -> dict[str, Any]:
    found: dict[str, Any] = server.post("/v1/segment", content=image or png()).json()
    return found


def files(folder: Path) -> list[str]:
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return [name for name in found if name != ".lock"]


def test_corrections_are_off_unless_asked_for(tmp_path: Path) -> None:
    with client() as server:
        found = segmented(server)
        answer = send(server, found, found)
        assert (answer.status_code, answer.json()["error"]["kind"]) == (404, "corrections-off")
        assert server.get("/v1/settings").json()["corrections"] is False
    assert files(tmp_path) == []


def test_classes_that_a_person_gave_are_kept(tmp_path: Path) -> None:
    """The outlines are those of the model, yet it is a change; what nobody said is not written down."""
    with client(corrections=str(tmp_path / "turned")) as server:
        found = segmented(server)
        turned = {"annotations": [{**found["annotations"][0], "upside_down": True}, *found["annotations"][1:]]}
        assert send(server, found, turned).json()["changed"] is True
    with client(corrections=str(tmp_path)) as server:
        found = segmented(server)
        named = [*found["annotations"]]
        named[1] = {**named[1], "chromosome": "X", "upside_down": True}
        answer = send(server, found, {"annotations": named})
    assert answer.status_code == 201 and answer.json()["changed"] is True
    (kept,) = (tmp_path / "corrected").glob("*.json")
    annotations = json.loads(kept.read_text())["annotations"]
    assert [one.get("chromosome") for one in annotations] == [None, "X", None, None]
    assert [one.get("upside_down") for one in annotations] == [None, True, None, None]


def test_a_correction_is_imported_as_the_next_data(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with client(corrections=str(kept)) as server:
        found = segmented(server)
        joined = decode_rle(found["annotations"][0]["segmentation"], 200, 200)
        joined |= decode_rle(found["annotations"][1]["segmentation"], 200, 200)
        corrected = {
            "annotations": [
                {"segmentation": encode_rle(joined), "from": [1, 2], "status": "changed"},  # joined; 3 is deleted
                {**found["annotations"][3], "status": "accepted"},
                {"segmentation": [[10, 150, 30, 150, 30, 190, 10, 190]], "status": "new"},
            ]
        }
        answer = send(server, found, corrected, case="case 7", note="touching")
        assert answer.status_code == 201, answer.text
        key = answer.json()["id"]
        assert answer.json() | {"time": "", "etag": ""} == {
            "id": key,
            "time": "",
            "etag": "",
            "reviewer": "Ada",
            "key": None,
            "n_original": 4,
            "n_corrected": 3,
            "changed": True,
        }
        metrics = server.get("/metrics").text
    assert 'chromseg_reviews_total{outcome="corrected"} 1.0' in metrics
    assert "chromseg_corrected_share 1.0" in metrics
    names = files(kept)
    (sent,) = (kept / "history").iterdir()
    assert sent.name.startswith(key)
    kinds = [f"corrected/{key}.json", f"corrected/{key}.png", f"history/{sent.name}", f"original/{sent.name}"]
    assert names == kinds and "patient" not in "".join(names)

    (tmp_path / "data").mkdir()
    dataset = import_dataset("coco", kept / "corrected", "corrected", data_root=tmp_path / "data")
    read = read_dataset(dataset.root)
    (record,) = read.images
    assert record.case_id == "case 7"
    masks = load_masks(read, record)
    np.testing.assert_array_equal(masks[0], joined)
    assert masks[2][151:189, 11:29].all() and len(masks) == 3
    with Image.open(dataset.root / "images" / record.file_name) as picture:
        np.testing.assert_array_equal(np.asarray(picture), drawn_cell()[0])
    info = json.loads((kept / "corrected" / f"{key}.json").read_text())["info"]
    assert (info["reviewer"], info["note"], info["model"]["name"]) == ("Ada", "touching", "drawn")


def test_a_corrected_test_picture_stays_a_test_picture(tmp_path: Path) -> None:
    """It was uploaded as the colour JPEG that stands in the dataset; the correction keeps its pixels as PNG."""
    grey = drawn_cell()[0]
    content = png(np.stack([grey, grey, grey], axis=-1), "JPEG", quality=95)
    card = DatasetCard("lab", "g-band", "dark-on-light", "drawn", "MIT", "none", "test", "1")
    image = ImageRecord(1, "p12.jpg", *grey.shape[::-1], "12", "test")
    outline = [[10.0, 10.0, 30.0, 10.0, 30.0, 30.0]]
    write_dataset(
        Dataset(
            tmp_path / "data" / "lab",
            card,
            (image,),
            (InstanceRecord(1, 1, 1, outline, (10, 10, 20, 20), 200),),
            {1: "chromosome"},
        ),
        {1: content},
    )
    with client(corrections=str(tmp_path / "kept")) as server:
        found = segmented(server, content)
        assert send(server, found, found, image=content, case="typed otherwise").status_code == 201
    dataset = import_dataset("coco", tmp_path / "kept" / "corrected", "fixes", data_root=tmp_path / "data")
    (record,) = read_dataset(dataset.root).images
    assert (record.case_id, record.split) == ("12", "test")


def test_the_command_line_takes_it_too(project: Path) -> None:
    with client(corrections="kept") as server:
        found = segmented(server)
        assert send(server, found, found).status_code == 201
    done = CliRunner().invoke(command, ["data", "import", "coco", "kept/corrected", "--name", "next"])
    assert done.exit_code == 0, done.output
    assert len(read_dataset(project / "data" / "next").images) == 1


def test_accepting_changes_nothing_and_says_so(tmp_path: Path) -> None:
    with client(corrections=str(tmp_path)) as server:
        found = segmented(server)
        shuffled = {"annotations": found["annotations"][::-1]}
        assert send(server, found, shuffled).json()["changed"] is False
        first = {"annotations": found["annotations"][:1]}
        assert send(server, found, first).json()["changed"] is True
        metrics = server.get("/metrics").text
    assert "chromseg_corrected_share 0.5" in metrics
    assert len([name for name in files(tmp_path) if name.startswith("history/")]) == 2
    (present,) = (tmp_path / "corrected").glob("*.json")
    assert len(json.loads(present.read_text())["annotations"]) == 1


def test_a_second_correction_leaves_the_first_in_its_place(tmp_path: Path) -> None:
    with client(corrections=str(tmp_path)) as server:
        found = segmented(server)
        for count in (4, 3):  # the second time another model had found less
            said = found | {"annotations": found["annotations"][:count]}
            assert send(server, said, found).status_code == 201
    said_before = [json.loads(path.read_text()) for path in sorted((tmp_path / "original").iterdir())]
    assert [len(one["annotations"]) for one in said_before] == [4, 3]
    assert [one["info"]["changed"] for one in said_before] == [False, True]


def test_masks_are_held_one_at_a_time() -> None:
    whole = {"size": [1000, 1000], "counts": [0, 1_000_000]}
    drawn = documents.parse_document(json.dumps({"annotations": [{"segmentation": whole}] * 40}), "x").annotations
    tracemalloc.start()
    try:
        assert len(corrections._annotations(drawn, 1000, 1000)) == 40
        assert tracemalloc.get_traced_memory()[1] < 10 * 1000 * 1000
    finally:
        tracemalloc.stop()


def test_more_masks_than_memory_can_hold_are_not_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_MOST_BOXED", 3000)
    with client(corrections=str(tmp_path)) as server:
        found = segmented(server)
        form = {"data": {"instances": json.dumps(found)}, "files": {"image": ("cell.png", png())}}
        answer = server.post("/v1/export", **form)
        assert (answer.status_code, answer.json()["error"]["kind"]) == (400, "bad-request")
        assert "boxes cover more than 0.003 megapixels" in answer.json()["error"]["got"]
        assert send(server, found, found).status_code == 201


def test_metadata_of_the_file_is_not_kept(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "patient 12"  # ImageDescription
    image = png(format="TIFF", exif=exif)
    assert b"patient 12" in image
    with client(corrections=str(tmp_path)) as server:
        found = segmented(server, image)
        assert send(server, found, found, image).status_code == 201
    assert not any(b"patient" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deep_pictures_keep_their_bits(tmp_path: Path, dtype: type) -> None:
    from chromseg.images.pictures import read_grey

    pixels = drawn_cell()[0].astype(np.uint16) * 257 if dtype is np.uint16 else (drawn_cell()[0] / 255).astype(dtype)
    image = png(pixels, "TIFF")
    with client(corrections=str(tmp_path)) as server:
        found = segmented(server, image)
        assert send(server, found, found, image).status_code == 201
    (kept,) = [path for path in (tmp_path / "corrected").iterdir() if path.suffix != ".json"]
    np.testing.assert_array_equal(read_grey(kept), pixels)


SIZE = {"size": [200, 200]}


@pytest.mark.parametrize(
    "segmentation",
    [
        {"size": [3, 3], "counts": [0, 9]},
        {**SIZE, "counts": [0, 39_999]},
        {**SIZE, "counts": [0, 10**9]},
        {**SIZE, "counts": [40_000]},
        {**SIZE, "counts": [-1, 40_001]},
        {**SIZE, "counts": "0P"},
        {**SIZE, "counts": "`" * 50},
        {**SIZE, "counts": None},
        {**SIZE, "counts": [10**30]},
        {"size": 5, "counts": "x"},
        {"size": [200, None], "counts": "x"},
        {**SIZE, "counts": [1] * 2_000_001},
        {},
        [],
        [[0, 0, 5]],
        [[0, 0, 5, 5, 1e9, 7]],
        [[0, 0, 0, 0, 0, 0]],
        [["x"] * 6],
        "text",
        [[1.0, 2.0] * 60_000],
    ],
)
def test_masks_that_are_none_are_refused(tmp_path: Path, segmentation: Any) -> None:
    with client(corrections=str(tmp_path)) as server:
        found = segmented(server)
        answer = send(server, found, {"annotations": [{"segmentation": segmentation}]})
        assert (answer.status_code, answer.json()["error"]["kind"]) == (400, "bad-request"), answer.text
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"corrected": "{"},
        {"corrected": "[]"},
        {"corrected": '{"annotations": []}'},
        {"corrected": "[" * 100_000},
        {"original": ""},
        {"reviewer": "  "},
        {"reviewer": "x" * 201},
        {"corrected": json.dumps({"annotations": [{"segmentation": []}] * 501})},
    ],
)
def test_forms_that_are_none_are_refused(tmp_path: Path, fields: dict[str, str]) -> None:
    with client(corrections=str(tmp_path)) as server:
        found = segmented(server)
        form = {"original": json.dumps(found), "corrected": json.dumps(found), "reviewer": "Ada"} | fields
        answer = server.post("/v1/corrections", data=form, files={"image": ("cell.png", png())})
        assert answer.status_code == 400, answer.text
    assert files(tmp_path) == []


UNSPEAKABLE = (
    '{"annotations": [{"segmentation": [[10, 150, 30, 150, 30, 190]], "uncertainty": NaN}]}',
    '{"annotations": [{"segmentation": [[10, 150, 30, 150, 30, Infinity]]}]}',
    '{"annotations": [{"segmentation": [[10, 150, 30, 150, 30, 190]]}], "model": {"partition": {"radius": NaN}}}',
    '{"annotations": [{"segmentation": [[10, 150, 30, 150, 30, 190]]}], "model": {"partition": {"radius": 1e999}}}',
    '{"annotations": [{"segmentation": [[10, 150, 30, 150, 30, 190]]}], "model": {"partition": {"radius": [1]}}}',
    '{"annotations": [{"segmentation": [[10, 150, 30, 150, 30, 190]]}], "model": {"partition": {"\\ud800": 1}}}',
    '{"annotations": [{"segmentation": [[10, 150, 30, 150, 30, 190]]}], "model": {"partition": {"a": "\\ud800"}}}',
    '{"annotations": [{"segmentation": [[10, 150, 30, 150, 30, 190]], "flags": ["\\ud800"]}]}',
)


@pytest.mark.parametrize("document", UNSPEAKABLE)
def test_what_no_json_can_say_is_refused(tmp_path: Path, document: str) -> None:
    image = {"image": ("cell.png", png())}
    with client(corrections=str(tmp_path)) as server:
        found = json.dumps(segmented(server))
        for form in ({"original": document, "corrected": found}, {"original": found, "corrected": document}):
            answer = server.post("/v1/corrections", data={"reviewer": "Ada"} | form, files=image)
            assert (answer.status_code, answer.json()["error"]["kind"]) == (400, "bad-request"), answer.text
        for format in ("coco", "zip"):
            answer = server.post("/v1/export", params={"format": format}, data={"instances": document}, files=image)
            assert (answer.status_code, answer.json()["error"]["kind"]) == (400, "bad-request"), answer.text
    assert files(tmp_path) == []


def form_of(charset: str, note: bytes, image: bytes, name: bytes = b"a") -> dict[str, Any]:
    """A correction as multipart/form-data that names a charset, as HTTP allows and no browser does."""
    drawn = b'{"annotations": [{"segmentation": [[10, 150, 30, 150, 30, 190]]}]}'
    fields = {b"original": drawn, b"corrected": drawn, b"instances": drawn, b"reviewer": b"Ada", b"note": note}
    head = b'--x\r\nContent-Disposition: form-data; name="'
    body = b"".join(head + key + b'"\r\n\r\n' + content + b"\r\n" for key, content in fields.items())
    body += head + b'image"; filename="' + name + b'"\r\n\r\n' + image + b"\r\n--x--\r\n"
    return {"content": body, "headers": {"content-type": f"multipart/form-data; boundary=x; charset={charset}"}}


def test_surrogates_of_an_odd_charset_are_replaced(tmp_path: Path) -> None:
    form = form_of("unicode_escape", rb"\ud800", png(), rb"\ud800.png")
    with client(corrections=str(tmp_path), keep_names=True) as server:
        assert server.post("/v1/corrections", **form).status_code == 201
        told = server.post("/v1/export", params={"format": "coco"}, **form)
    assert told.json()["images"][0]["file_name"] == "?.png"
    (kept,) = (tmp_path / "history").iterdir()
    assert json.loads(kept.read_text(encoding="utf-8"))["info"]["note"] == "?"


@pytest.mark.parametrize(("charset", "status"), [("undefined", 400), ("zlib", 201), ("no-such", 201)])
def test_odd_charsets_are_no_bug(tmp_path: Path, charset: str, status: int) -> None:
    with client(corrections=str(tmp_path)) as server:
        assert server.post("/v1/corrections", **form_of(charset, b"\xff..", png())).status_code == status


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with client(corrections=str(tmp_path / "file")) as server:
        found = segmented(server)
        answer = send(server, found, found)
    assert answer.status_code == 500 and "cannot write" in answer.json()["error"]["got"]


@pytest.mark.parametrize("format", ["coco", "zip", "overlay", "ome-tiff", "contact-sheet"])
def test_corrected_instances_are_exported(format: str) -> None:
    with client() as server:
        found = segmented(server)
        chosen = found | {"annotations": found["annotations"][:2]}
        form = {"instances": json.dumps(chosen)}
        answer = server.post("/v1/export", params={"format": format}, data=form, files={"image": ("c.png", png())})
        assert answer.status_code == 200, answer.text
        if format == "coco":
            document = answer.json()
            assert [one["bbox"] for one in document["annotations"]] == [one["bbox"] for one in chosen["annotations"]]
            assert document["options"]["corrected"] is True
            assert document["model"] | {"lineage_id": None} == found["model"] | {"lineage_id": None}
