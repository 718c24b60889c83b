"""Instances that a client sends come back named and placed, around what a person has said of them."""

from __future__ import annotations

import base64
import io
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from dvc_record import record_run
from example_lineage import LINEAGE
from fastapi.testclient import TestClient
from PIL import Image
from serving_app import client, png, running_server

from chromseg.client import Client
from chromseg.config import KaryotypeConfig
from chromseg.karyogram.classes import CLASSES
from chromseg.models import build_model
from chromseg.models.package import ModelCard, save_model
from chromseg.registry.promotion import promote, rollback
from chromseg.registry.versions.register import register
from chromseg.registry.versions.retirement import retire
from chromseg.serving import engine, schemas, straightening
from chromseg.serving.pool import SplicePool


@pytest.fixture
def names(tmp_path: Path) -> str:
    return str(guessing(tmp_path / "names"))


def guessing(folder: Path, seed: int = 0) -> Path:
    """The folder of a network that guesses."""
    torch.manual_seed(seed)
    config = KaryotypeConfig("karyotype", width=4, blocks=1)
    save_model(folder, build_model(config), ModelCard("names", config, lineage=LINEAGE | {"run_id": f"run-{seed}"}))
    record_run(folder)
    return folder


@pytest.fixture
def server(names: str) -> Iterator[TestClient]:
    with client(karyotype=names) as found:
        yield found


def segmented(server: TestClient) -> dict[str, Any]:
    return server.post("/v1/segment", content=png()).json()


def asked(server: TestClient, document: Any, **query: Any) -> Any:
    form = {"instances": json.dumps(document)}
    return server.post("/v1/karyogram", params=query, data=form, files={"image": ("c.png", png())})


def test_every_chromosome_comes_back_with_a_place_and_a_strip(server: TestClient) -> None:
    found = segmented(server)
    answer = asked(server, found)
    assert answer.status_code == 200, answer.text
    told = schemas.KaryogramAnswer.model_validate(answer.json())
    assert [each.number for each in told.chromosomes] == [1, 2, 3, 4] and told.count.startswith("4,")
    assert {each.name for each in told.chromosomes} <= set(CLASSES)
    assert "not a diagnosis" in told.note
    assert (told.model.name, told.cut_by.name) == ("names", found["model"]["name"])
    assert sorted(name for row in told.rows for group in row for name in group) == sorted(CLASSES)
    strip = np.asarray(Image.open(io.BytesIO(base64.b64decode(told.chromosomes[0].strip.partition(",")[2]))))
    assert strip.ndim == 2 and strip.min() < 200 < strip.max()


def test_what_a_person_has_said_stands(server: TestClient) -> None:
    found = segmented(server)
    usual = asked(server, found).json()["chromosomes"]
    other = "X" if usual[1]["name"] != "X" else "5"
    found["annotations"][1] |= {"chromosome": other, "upside_down": not usual[1]["upside_down"]}
    told = asked(server, found).json()["chromosomes"]
    assert (told[1]["name"], told[1]["by_person"], told[1]["unsure"]) == (other, True, False)
    assert told[1]["upside_down"] is not usual[1]["upside_down"]
    assert [each["by_person"] for each in told] == [False, True, False, False]


@pytest.mark.parametrize(("format", "head"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_its_page_is_a_file(server: TestClient, format: str, head: bytes) -> None:
    answer = asked(server, segmented(server), format=format)
    assert answer.status_code == 200 and answer.content.startswith(head)
    assert answer.headers["content-disposition"].endswith(f'-karyogram.{format}"')


def test_a_picture_without_chromosomes_has_an_empty_karyogram(server: TestClient) -> None:
    told = asked(server, segmented(server) | {"annotations": []}).json()
    assert (told["count"], told["chromosomes"]) == ("0,?", [])


def test_a_class_that_there_is_not_is_refused(server: TestClient) -> None:
    found = segmented(server)
    found["annotations"][0]["chromosome"] = "23"
    answer = asked(server, found)
    assert answer.status_code == 400 and "annotations.0.chromosome" in answer.json()["error"]["got"]


@pytest.mark.parametrize(
    ("limit", "most", "told"),
    [
        ("MOST", 3, "4 chromosomes"),
        ("MOST_PIXELS", 20, "pixels in one chromosome"),
        ("MOST_TOGETHER", 20, "pixels in all chromosomes together"),
    ],
)
def test_work_beyond_bounds_is_refused(
    server: TestClient, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, told: str
) -> None:
    monkeypatch.setattr(straightening, limit, most)
    answer = asked(server, segmented(server))
    assert answer.status_code == 400 and told in answer.json()["error"]["got"]


def test_a_server_without_a_model_that_names_says_so(tmp_path: Path) -> None:
    with client(karyotype=str(tmp_path / "none")) as server:
        answer = asked(server, segmented(server))
    assert answer.status_code == 404 and "names chromosomes" in answer.json()["error"]["got"]
    assert "--karyotype" in answer.json()["error"]["remedy"]


def test_a_registry_that_hangs_keeps_no_segmentation_waiting(names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with client(karyotype=names, timeout=5) as server:
        naming, began, go = server.app.state.engine._naming, threading.Event(), threading.Event()
        loaded, found, answers = naming.loaded, segmented(server), []

        def hanging() -> Any:
            began.set()
            assert go.wait(20)
            return loaded()

        monkeypatch.setattr(naming, "loaded", hanging)
        asking = threading.Thread(target=lambda: answers.append(asked(server, found)))
        asking.start()
        assert began.wait(20)
        answer = server.post("/v1/segment", content=png())
        go.set()
        asking.join(20)
    assert (answer.status_code, answers[0].status_code) == (200, 200)


def test_the_client_for_python_asks_for_one_and_processes_pull_straight(names: str) -> None:
    with running_server(karyotype=names, splicers=1) as url, Client(url) as server:
        found = server.segment(png())
        found["annotations"][0]["chromosome"] = "7"
        told = server.karyogram(png(), found)
    assert len(told["chromosomes"]) == 4 and told["chromosomes"][0]["name"] == "7"


def test_the_alias_of_the_model_that_names_is_followed(store: Path, tmp_path: Path) -> None:
    for seed in (1, 2):
        register(guessing(tmp_path / str(seed), seed), "karyotype")
    promote("karyotype/1", force="first")
    with client(karyotype="models:/karyotype@champion", poll=0.05) as server:
        found = segmented(server)

        def comes(version: str) -> bool:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                if asked(server, found).json()["model"]["version"] == version:
                    return True
            return False

        assert comes("1")
        promote("karyotype/2", force="better")
        assert comes("2")
        rollback("karyotype", reason="worse")
        assert comes("1")
        assert 'chromseg_model_info{name="karyotype",version="1"' in server.get("/metrics").text
        for version in (1, 2):
            retire(f"karyotype/{version}", reason="a fault")
        deadline = time.monotonic() + 30
        while (answer := asked(server, found)).status_code == 200 and time.monotonic() < deadline:
            pass
        assert (answer.status_code, answer.json()["error"]["kind"]) == (503, "not-ready")


def mask(size: list[int], counts: Any) -> dict[str, Any]:
    return {"annotations": [{"segmentation": {"size": size, "counts": counts}}]}


TRIANGLE = {"segmentation": [[1, 1, 20, 3, 4, 50]]}
HOSTILE = {
    "no object": "[]",
    "a number of ten thousand digits": "1" * 10_000,
    "nested without end": "[" * 1_000_000,
    "another type everywhere": {"annotations": {"a": 1}, "options": [], "model": 7},
    "a million annotations": '{"annotations": [' + "{}," * 10**6 + "{}]}",
    "a million outlines": '{"annotations": [{"segmentation": [' + "[]," * 10**6 + "[]]}]}",
    "too many instances": {"annotations": [TRIANGLE] * 121},
    "NaN": '{"annotations": [{"segmentation": [[NaN, 1, 20, 3, 4, 50]]}]}',
    "an infinite score": '{"annotations": [{"segmentation": [[1, 1, 20, 3, 4, 50]], "score": Infinity}]}',
    "a point far away": {"annotations": [{"segmentation": [[1e308, 1, 20, 3, 4, 50]]}]},
    "half a point": {"annotations": [{"segmentation": [[1, 1, 20]]}]},
    "no outline": {"annotations": [{"segmentation": []}]},
    "a mask of another size": mask([201, 200], [0, 201 * 200]),
    "a mask of 10^18 pixels": mask([2**30, 2**30], [0, 2**31]),
    "runs beyond the picture": mask([200, 200], [2**31] * 100_000),
    "too many runs": mask([200, 200], [1] * 2_000_001),
    "negative runs": mask([200, 200], [-1, 40_001]),
    "runs that are no code": mask([200, 200], "~" * 100_000),
    "runs without end": mask([200, 200], "o" * 100_000),
    "a lone surrogate": '{"annotations": [], "model": {"name": "\\ud800"}}',
}


@pytest.mark.parametrize("what", HOSTILE)
def test_instances_that_nobody_can_draw_are_refused_before_they_cost_much(server: TestClient, what: str) -> None:
    text = HOSTILE[what] if isinstance(HOSTILE[what], str) else json.dumps(HOSTILE[what])
    start = time.process_time()
    answer = server.post("/v1/karyogram", data={"instances": text}, files={"image": ("c.png", png())})
    assert answer.status_code == 400, answer.text[:300]
    schemas.ErrorAnswer.model_validate(answer.json())
    assert time.process_time() - start < 10  # the costliest take half a second


def test_what_contradicts_a_mask_is_computed_anew(server: TestClient) -> None:
    found = segmented(server)
    wrong = {"bbox": [-5, 1e9, 3, -2], "area": -7, "id": "x", "iscrowd": [1]}
    mended = found | {"annotations": [each | wrong for each in found["annotations"]]}
    assert asked(server, mended).json()["chromosomes"] == asked(server, found).json()["chromosomes"]


def test_long_instances_are_read_where_that_keeps_nobody_waiting(
    server: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, tasks, run = segmented(server), [], SplicePool.run
    monkeypatch.setattr(SplicePool, "run", lambda pool, task: [tasks.append(task), run(pool, task)][1])
    assert asked(server, found).status_code == 200 and len(tasks) == 1
    monkeypatch.setattr(engine, "_LONG", 100)
    assert asked(server, found).status_code == 200 and len(tasks) == 3
