"""MLflow's scoring protocol: its own client works unchanged, and its own server gives the same."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from drawn_cells import threshold_predictor
from fastapi.testclient import TestClient
from serving_app import client, png, running_server

from chromseg.inference.exports import to_coco
from chromseg.registry.store.backend import mlflow  # imported where its warnings are dealt with
from chromseg.serving.problems import ProblemError
from chromseg.serving.scoring import images_of

TEXT = base64.b64encode(png()).decode()


@pytest.fixture(scope="module")
def server() -> Iterator[TestClient]:
    with client() as found:
        yield found


def annotations(prediction: dict[str, Any]) -> Any:
    return json.loads(prediction["instances"])["annotations"]


def test_mlflows_client() -> None:
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    expected = to_coco(threshold_predictor().predict(png()))["annotations"]
    with running_server() as url:
        host, _, port = url.removeprefix("http://").partition(":")
        mlflows = ScoringServerClient(host, int(port))
        mlflows.wait_server_ready(10)
        assert mlflows.get_version() == mlflow.__version__
        frame = pd.DataFrame({"image": [base64.encodebytes(png()).decode()] * 2})
        answer = mlflows.invoke(frame)
        assert [annotations(row) for row in answer["predictions"]] == [expected, expected]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["image"], "index": [0], "data": [[TEXT]]}},
        {"dataframe_split": {"columns": ["name", "image"], "data": [["a", TEXT]]}, "params": {}},
        {"dataframe_split": {"data": [[TEXT]]}},
        {"dataframe_records": [{"image": TEXT}]},
        {"instances": [{"image": TEXT}]},
        {"instances": [TEXT]},
        {"inputs": {"image": [TEXT]}},
        {"inputs": {"image": TEXT}},
    ],
)
def test_every_form_of_table(server: TestClient, body: dict[str, Any]) -> None:
    answer = server.post("/invocations", json=body)
    assert answer.status_code == 200, answer.text
    assert len(annotations(answer.json()["predictions"][0])) == 4


def test_csv(server: TestClient) -> None:
    table = pd.DataFrame({"image": [TEXT]}).to_csv(index=False)
    answer = server.post("/invocations", content=table, headers={"content-type": "text/csv; charset=utf-8"})
    assert len(annotations(answer.json()["predictions"][0])) == 4


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"instances": []}',
        b'{"instances": [{"picture": "aa"}]}',
        b'{"instances": ["!!"]}',
        b'{"instances": [7]}',
        b'{"instances": ["aa=="], "inputs": []}',
        b'{"dataframe_split": {"columns": ["x"], "data": [["aa=="]]}}',
        b'{"dataframe_split": 7}',
        b'{"inputs": 7}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_is_no_table_is_refused(server: TestClient, body: bytes) -> None:
    answer = server.post("/invocations", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "BAD_REQUEST"


def test_other_kinds_of_body() -> None:
    for kind in ("image/png", "application/json; charset=latin-1", ""):
        with pytest.raises(ProblemError) as caught:
            images_of(b"{}", kind)
        assert caught.value.status == 415


def test_a_refused_image_is_a_bad_request(server: TestClient) -> None:
    blank = base64.b64encode(png(np.zeros((64, 64), np.uint8))).decode()
    answer = server.post("/invocations", json={"instances": [blank]})
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "BAD_REQUEST" and "not-blank" in answer.json()["message"]


def test_probes_as_mlflow_has_them(server: TestClient) -> None:
    for path in ("/ping", "/health"):
        answer = server.get(path)
        assert (answer.status_code, answer.text, answer.headers["content-type"]) == (200, "\n", "application/json")
    assert server.get("/version").text == mlflow.__version__
