"""The alias moves: the new version answers, none is asked twice, the old one stays at hand."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from drawn_cells import threshold_predictor
from serving_app import MemorySource, client, png

from chromseg.errors import RegistryError, RetiredError
from chromseg.registry.promotion import promote, rollback
from chromseg.registry.versions.register import register
from chromseg.registry.versions.retirement import retire
from chromseg.serving import models
from chromseg.serving.models import Models
from chromseg.serving.sources import source_of


def version_of(server: Any) -> str:
    answer = server.post("/v1/segment", content=png())
    assert answer.status_code == 200, answer.text
    return str(answer.json()["model"]["version"])


def two_versions() -> MemorySource:
    return MemorySource(versions={1: threshold_predictor(), 2: threshold_predictor()})


def test_a_moved_alias_changes_the_model_without_a_lost_request() -> None:
    source = two_versions()
    with client(source, poll=0.05) as server:
        assert version_of(server) == "1"
        seen: list[str] = []
        done = threading.Event()

        def ask() -> None:
            while not done.is_set():
                seen.append(version_of(server))

        asking = threading.Thread(target=ask)
        asking.start()
        for wanted in (2, 1):
            source.wanted = wanted
            deadline = time.monotonic() + 20
            while seen[-1:] != [str(wanted)] and time.monotonic() < deadline:
                time.sleep(0.02)
        done.set()
        asking.join(20)
        assert seen[-1] == "1" and "2" in seen
        assert source.loads == 2  # the rollback needed no loading
        metrics = server.get("/metrics").text
    assert 'chromseg_model_info{name="drawn",version="1"' in metrics
    assert "chromseg_model_changes_total 2.0" in metrics


def test_a_model_that_does_not_load_changes_nothing() -> None:
    source, troubles = two_versions(), []
    models = Models(source, 0, on_trouble=lambda: troubles.append(1))

    def broken(version: int | None) -> Any:
        raise RegistryError("weights with another hash", expected="theirs", remedy="restore them")

    source.wanted, load = 2, source.load
    source.load = broken  # type: ignore[method-assign]
    with pytest.raises(RegistryError):
        models.look()
    assert models.current.version == 1
    source.load = load  # type: ignore[method-assign]
    assert models.look() and models.current.version == 2
    assert not models.look()


def test_the_watch_survives_any_trouble() -> None:
    source, troubles = two_versions(), []
    models = Models(source, 0.01, on_trouble=lambda: troubles.append(1))
    current = source.current
    source.current = lambda: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    models.watch()
    deadline = time.monotonic() + 10
    while not troubles and time.monotonic() < deadline:
        time.sleep(0.01)
    source.current, source.wanted = current, 2  # type: ignore[method-assign]
    while models.current.version != 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    models.close()
    assert troubles and models.current.version == 2


def test_a_new_model_has_predicted_before_it_answers() -> None:
    inner, seen = threshold_predictor(), []

    class Noting(type(inner)):  # type: ignore[misc]
        def begin(self, images: Any, *at_once: Any) -> Any:
            seen.append(images[0].shape)
            return super().begin(images, *at_once)

    noting = Noting(**{name: getattr(inner, name) for name in inner.__dataclass_fields__})
    source = MemorySource(versions={1: inner, 2: noting})
    models = Models(source, 0)
    source.wanted = 2
    models.look()
    assert (256, 256) in seen and models.previous is not None and models.previous.version == 1


def test_the_registry_is_followed(store: Path, make_model: Callable[..., Path]) -> None:
    for seed in (1, 2):
        register(make_model(seed=seed), "chromseg")
    promote("chromseg/1", force="first")
    source = source_of("models:/chromseg@champion")
    models = Models(source, 0.05)
    models.watch()
    promote("chromseg/2", force="better")
    wait_for(models, 2)
    rollback("chromseg", reason="worse")
    wait_for(models, 1)
    models.close()
    assert models.current.predictor.identity.name == "chromseg"
    assert models.current.lineage_id == "run-of-tiny-1"


def wait_for(models: Models, version: int, seconds: float = 2.0) -> None:
    start = time.monotonic()
    while models.current.version != version:
        assert time.monotonic() - start < seconds * 5, "the change took too long"  # a busy machine
        time.sleep(0.01)


def test_a_model_that_never_comes_does_not_keep_the_server_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_PATIENCE", 0.1)
    released, begun = threading.Event(), threading.Event()

    class Stuck(MemorySource):
        def current(self) -> int:
            if threading.current_thread() is not threading.main_thread():
                begun.set()
                released.wait(60)
            return 1

    served = Models(Stuck(), 0.01)
    served.watch()
    assert begun.wait(30)
    start = time.monotonic()
    served.close()
    assert time.monotonic() - start < 10
    released.set()


def test_a_folder_is_never_looked_up_again(store: Path, make_model: Callable[..., Path]) -> None:
    source = source_of(str(make_model(seed=1)))
    assert source.current() is None
    models = Models(source, 0.01)
    assert not models.look()
    models.close()


@pytest.mark.parametrize("model", ["models:/chromseg@champion", "models:/chromseg/1"])
def test_a_retired_model_answers_no_more(store: Path, make_model: Callable[..., Path], model: str) -> None:
    register(make_model(seed=1), "chromseg")
    promote("chromseg/1", force="first")
    models = Models(source_of(model), 0)
    assert not models.look() and models.in_use().version == 1
    retire("chromseg/1", reason="consent was withdrawn")
    for act in (models.look, models.in_use):
        with pytest.raises(RetiredError, match=r"retired at .*: consent was withdrawn"):
            act()


def test_a_retired_champion_leaves_its_place_to_the_version_before(
    store: Path, make_model: Callable[..., Path]
) -> None:
    for seed in (1, 2):
        register(make_model(seed=seed), "chromseg")
        promote(f"chromseg/{seed}", force="newer")
    models = Models(source_of("models:/chromseg@champion"), 0)
    retire("chromseg/2", reason="a fault")
    assert models.look() and models.in_use().version == 1


def test_the_server_says_that_its_model_was_retired() -> None:
    source = two_versions()
    with client(source) as server:
        engine = server.app.state.engine  # type: ignore[attr-defined]
        engine.models.retired = RetiredError("chromseg/1 was retired", expected="another", remedy="promote one")
        assert server.get("/readyz").status_code == 503
        answer = server.post("/v1/segment", content=png())
        assert (answer.status_code, answer.json()["error"]["kind"]) == (503, "not-ready")
        engine.models.look()
        assert version_of(server) == "1"


def test_changed_weights_are_not_served(store: Path, make_model: Callable[..., Path]) -> None:
    register(make_model(seed=1), "chromseg")
    promote("chromseg/1", force="first")
    source = source_of("models:/chromseg@champion")
    loaded = source.load(1)
    assert loaded.folder is not None
    other = make_model(seed=2)
    shutil.copy(other / "model.safetensors", loaded.folder / "model.safetensors")
    with pytest.raises(RegistryError, match="SHA-256"):
        source.load(1)
