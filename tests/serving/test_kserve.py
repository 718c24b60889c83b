"""KServe's second protocol."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from serving_app import client, png

TEXT = base64.b64encode(png()).decode()
BLANK = base64.b64encode(png(np.zeros((64, 64), np.uint8))).decode()


@pytest.fixture(scope="module")
def server() -> Iterator[TestClient]:
    with client() as found:
        yield found


def asking(*data: object, **changes: Any) -> dict[str, Any]:
    tensor = {"name": "image", "datatype": "BYTES", "shape": [len(data)], "data": list(data)}
    return {"id": "7", "inputs": [tensor | changes]}


def test_a_client_finds_its_way(server: TestClient) -> None:
    assert server.get("/v2").json()["name"] == "chromseg-ops"
    assert server.get("/v2/health/live").json() == {"live": True}
    assert server.get("/v2/health/ready").json() == {"ready": True}
    assert server.get("/v2/models/drawn/ready").json() == {"name": "drawn", "ready": True}
    described = server.get("/v2/models/drawn").json()
    assert described["inputs"] == [{"name": "image", "datatype": "BYTES", "shape": [-1]}]
    assert described["versions"] == ["1"]
    assert server.get("/v2/models/other").status_code == 404


def test_pictures_are_answered_one_by_one(server: TestClient) -> None:
    answer = server.post("/v2/models/drawn/infer", json=asking(TEXT, BLANK)).json()
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("drawn", "1", "7")
    instances, errors = answer["outputs"]
    assert (instances["name"], instances["shape"], errors["name"]) == ("instances", [2], "error")
    assert len(json.loads(instances["data"][0])["annotations"]) == 4 and instances["data"][1] == ""
    assert errors["data"][0] == "" and "not-blank" in errors["data"][1]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (asking(TEXT, name="picture"), 400),
        (asking("!!"), 400),
        (asking(7), 400),
        (asking(), 400),
        ({}, 400),
        (asking(BLANK), 422),
    ],
)
def test_what_cannot_be_answered_is_an_error_of_the_protocol(
    server: TestClient, body: dict[str, Any], status: int
) -> None:
    answer = server.post("/v2/models/drawn/infer", json=body)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
