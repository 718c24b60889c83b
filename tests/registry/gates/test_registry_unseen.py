"""No model is promoted on the score of pictures that it, or a model behind it, was trained on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dvc_record import record_run

from chromseg.annotations.seen import Seen
from chromseg.errors import LineageError, ModelError
from chromseg.models.package import read_card, write_card
from chromseg.registry.gates.unseen import unseen_gate
from chromseg.registry.promotion import judge_promotion
from chromseg.registry.versions.register import register
from chromseg.registry.versions.resolve import resolve

Make = Callable[..., Path]
CLEAN = Seen.of(["a", "b"], tested=["t", "u"])
LEAK = Seen.of(["a", "t"], tested=["t", "u"])


def _seeing(model: Path, seen: Seen, **lineage: Any) -> Path:
    card = read_card(model)
    told = card.lineage | {"seen_sha256": seen.sha256()} | lineage
    write_card(model, dataclasses.replace(card, seen=seen.to_card(), lineage=told))
    record_run(model)
    return model


def test_a_test_picture_that_trained_it_shuts_the_gate(make_model: Make) -> None:
    gate = unseen_gate(_seeing(make_model(), LEAK))
    assert (gate.passed, gate.measured) == (False, "1 of 2 test pictures trained it or a model behind it")
    gate = unseen_gate(_seeing(make_model(seed=1), CLEAN))
    assert (gate.passed, gate.measured) == (True, "none of 2 among the 2 seen")


def test_what_nobody_wrote_down_is_not_known_in_words(make_model: Make) -> None:
    old = unseen_gate(make_model())
    assert (old.passed, old.measured) == (True, "not known: its own card does not say which pictures were seen")
    begun = Seen.of(["a"], ["t"]).with_parents(Seen.from_card(None, "models/old-0"))
    gate = unseen_gate(_seeing(make_model(seed=1), begun))
    assert gate.passed and "not known: models/old-0" in gate.measured
    known = unseen_gate(_seeing(make_model(seed=2), begun.with_parents(LEAK)))
    assert not known.passed, "what is known of it is enough"
    untested = unseen_gate(_seeing(make_model(seed=3), Seen.of(["a"])))
    assert not untested.passed and "names no test picture" in untested.measured


def test_the_gate_is_asked_of_what_is_registered(store: Path, make_model: Make) -> None:
    register(_seeing(make_model(), LEAK), "chromseg")
    assert "unseen test" in [gate.name for gate in judge_promotion("chromseg/1").failed]
    assert read_card(resolve("models:/chromseg/1")).seen == LEAK.to_card(), "it travels with the files"


def test_card_and_lineage_speak_of_the_same_pictures(store: Path, make_model: Make) -> None:
    model = _seeing(make_model(), LEAK)
    values = json.loads((model / "model.json").read_text())
    for seen in (None, CLEAN.to_card()):
        (model / "model.json").write_text(json.dumps(values | {"seen": seen}))
        with pytest.raises(LineageError, match="pictures it has seen"):
            register(model, "chromseg")
    (model / "model.json").write_text(json.dumps(values | {"seen": {"pictures": "all"}}))
    with pytest.raises(ModelError, match="block `seen`"):
        register(model, "chromseg")
