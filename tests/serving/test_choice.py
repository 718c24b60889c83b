"""Several models of one server: the first answers, unless a client asks for another by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn_cells import GROUND, drawn_cell, threshold_predictor
from fastapi.testclient import TestClient
from serving_app import BASE, MemorySource, png, running_server, settings

from chromseg.client import AnswerError, Client
from chromseg.errors import ConfigError, InputRefusedError, ModelError, RetiredError
from chromseg.inference.predictor import Predictor
from chromseg.serving.app import create_app
from chromseg.serving.cards import measured_stains
from chromseg.serving.names import MOST, names_of
from chromseg.serving.settings import ServeSettings

FIRST, OTHER = "drawn@champion", "picky/1"
SIDE = 400  # px that the other model asks for


def picky_predictor() -> Predictor:
    """A model of another name, which takes no small pictures and was measured on one stain."""
    certain = threshold_predictor()
    metrics = {"test/slice/stain/dapi/n_metaphases": 8, "test/slice/stain/dapi/recovered_80": 0.65}
    card = replace(certain.card, name="picky", metrics=metrics, input={"min_side": SIDE})
    identity = replace(certain.identity, name="picky", weights_sha256="b" * 64)
    return replace(certain, card=card, identity=identity)


@pytest.fixture
def other() -> MemorySource:
    return MemorySource(versions={1: picky_predictor(), 2: picky_predictor()})


@pytest.fixture
def server(other: MemorySource) -> Iterator[TestClient]:
    chosen = settings(model=f"models:/{FIRST}", also=(f"models:/{OTHER}",), rate=0)
    app = create_app(chosen, MemorySource(), [other])
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as found:
        yield found


def test_the_first_answers_unless_another_is_chosen(server: TestClient) -> None:
    assert server.post("/v1/segment", content=png()).json()["model"]["name"] == "drawn"
    assert server.post(f"/v1/segment?model={FIRST}", content=png()).json()["model"]["name"] == "drawn"
    refused = server.post(f"/v1/segment?model={OTHER}", content=png())
    assert refused.status_code == 422, "its own rules hold"
    assert "at least 400 px" in refused.json()["error"]["failures"][0]["expected"]
    large = png(large_picture())
    answer = server.post(f"/v1/segment?model={OTHER}", content=large).json()
    assert answer["model"]["name"] == "picky"
    assert len(answer["annotations"]) == 4


def large_picture() -> np.ndarray:
    """The drawn cell in a corner of a picture that is large enough for both."""
    noise = np.random.default_rng(1).normal(GROUND, 2, (SIDE, SIDE))
    noise[:200, :200] = drawn_cell()[0]
    return noise.clip(0, 255).astype(np.uint8)


def test_the_models_that_may_be_chosen_are_listed_the_first_first(server: TestClient) -> None:
    first, other = server.get("/v1/models").json()
    assert (first["choice"], first["name"], first["uri"]) == (FIRST, "drawn", f"models:/{FIRST}")
    assert (other["choice"], other["name"], other["uri"]) == (OTHER, "picky", f"models:/{OTHER}")
    assert first["measured"] == {}
    assert other["measured"] == {"dapi": {"metaphases": 8, "cut_outs": None, "recovered": 0.65}}
    assert server.get("/v1/model").json() == first
    assert server.get(f"/v1/model?model={OTHER}").json() == other


def test_card_and_rules_are_those_of_the_chosen_one(server: TestClient) -> None:
    assert "picky" in server.get(f"/v1/model/card?model={OTHER}&format=markdown").text
    assert "picky" not in server.get("/v1/model/card?format=markdown").text
    expected = [
        {rule["name"]: rule["expected"] for rule in server.get("/v1/rules", params=asked).json()}
        for asked in ({}, {"model": OTHER})
    ]
    assert expected[0] != expected[1]
    assert "at least 400 px" in expected[1].values()


@pytest.mark.parametrize("path", ["/v1/model", "/v1/model/card", "/v1/rules"])
def test_an_unknown_name_is_a_bad_request_that_lists_the_known(server: TestClient, path: str) -> None:
    for answer in (server.get(f"{path}?model=cascade"), server.post("/v1/segment?model=cascade", content=png())):
        assert answer.status_code == 400
        assert answer.json()["error"]["expected"] == f"one of {FIRST}, {OTHER}"


def test_each_changes_by_itself(server: TestClient, other: MemorySource) -> None:
    engine = server.app.state.engine  # type: ignore[attr-defined]
    _, models = engine.choice.of(OTHER)
    other.wanted = 2
    assert models.look()
    assert [one["version"] for one in server.get("/v1/models").json()] == ["1", "2"]
    lines = server.get("/metrics").text.splitlines()
    info = [re.match(r'chromseg_model_info{name="(.*?)",version="(.*?)".* (.*)', line) for line in lines]
    found = {(one[1], one[2]): float(one[3]) for one in info if one}
    assert found == {("drawn", "1"): 1, ("picky", "1"): 0, ("picky", "2"): 1}


def test_one_that_was_retired_takes_the_others_along_nowhere(
    server: TestClient, other: MemorySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def retired() -> int:
        raise RetiredError("version 1", expected="one in use", remedy="choose another")

    monkeypatch.setattr(other, "current", retired)
    _, models = server.app.state.engine.choice.of(OTHER)  # type: ignore[attr-defined]
    with pytest.raises(RetiredError):
        models.look()
    assert server.post(f"/v1/segment?model={OTHER}", content=png(large_picture())).status_code == 503
    assert server.post("/v1/segment", content=png()).status_code == 200
    assert server.get("/readyz").status_code == 200


def test_drift_is_of_the_first_alone(server: TestClient) -> None:
    metrics = server.app.state.engine.metrics  # type: ignore[attr-defined]
    large = png(large_picture())
    for _ in range(3):
        assert server.post(f"/v1/segment?model={OTHER}", content=large).status_code == 200
    assert list(metrics.count._last) == []
    assert server.post("/v1/segment", content=png()).status_code == 200
    assert list(metrics.count._last) == [4]


def test_the_client_chooses(other: MemorySource) -> None:
    chosen = {"model": f"models:/{FIRST}", "also": (f"models:/{OTHER}",)}
    with running_server(others=[other], **chosen) as url, Client(url) as asking:
        assert [one["choice"] for one in asking.models()] == [FIRST, OTHER]
        assert asking.segment(png())["model"]["name"] == "drawn"
        with pytest.raises(InputRefusedError):
            asking.segment(png(), model=OTHER)
        with pytest.raises(AnswerError):
            asking.segment(png(), model="cascade")


def test_names_are_what_a_person_would_call_them(tmp_path: Path) -> None:
    folder = tmp_path / "ucrd-net"
    folder.mkdir()
    for name in ("model.safetensors", "model.json"):
        (folder / name).touch()
    given = ServeSettings(model="models:/chromseg@champion", also=("models:/chromseg/3", str(folder)))
    assert names_of(given) == ["chromseg@champion", "chromseg/3", "ucrd-net"]
    with pytest.raises(ModelError, match="no model folder"):
        names_of(ServeSettings(also=(str(tmp_path / "none"),)))


def test_too_many_or_the_same_twice_are_refused() -> None:
    versions = tuple(f"models:/chromseg/{number}" for number in range(1, MOST + 1))
    assert len(names_of(ServeSettings(model="models:/a/1", also=versions[1:]))) == MOST
    with pytest.raises(ConfigError, match="5 models"):
        names_of(ServeSettings(model="models:/a/1", also=versions))
    with pytest.raises(ConfigError, match="two models called chromseg/1"):
        names_of(ServeSettings(model=versions[0], also=versions[:1]))


def test_what_was_measured_is_read_from_the_card() -> None:
    metrics = {
        "test/slice/stain/g-band/n_images": 622,
        "test/slice/stain/g-band/n_metaphases": 94,
        "test/slice/stain/g-band/recovered_80": 0.69,
        "test/slice/stain/q-band/n_images": 27,
        "test/slice/stain/dapi/recovered_80": None,
        "test/slice/chromosomes/2/n_images": 9,
        "test/recovered_80": 0.7,
    }
    assert measured_stains(metrics) == {
        "g-band": {"metaphases": 94, "cut_outs": 622, "recovered": 0.69},
        "q-band": {"metaphases": None, "cut_outs": 27, "recovered": None},
    }
