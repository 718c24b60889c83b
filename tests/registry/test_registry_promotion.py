from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chromseg.errors import RegistryError
from chromseg.registry import promotion
from chromseg.registry.promotion import history, promote, rollback
from chromseg.registry.store.backend import MlflowClient
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.listing import list_versions, show
from chromseg.registry.versions.register import register
from chromseg.registry.versions.resolve import resolve_model
from chromseg.registry.versions.verify import verify


@pytest.fixture
def three(store: Path, make_model: Callable[..., Path]) -> Path:
    """Three versions without an alias."""
    for seed in range(3):
        register(make_model(seed=seed), "chromseg")
    return store


def test_aliases_move_and_leave_a_trail(three: Path) -> None:
    promote("chromseg/1", reason="the first")
    promote("chromseg/2", reason="to be tried", alias="challenger")
    promote("chromseg@challenger", reason="better on the test cases")
    assert show("chromseg@champion").number == 2
    assert {version.number: version.aliases for version in list_versions("chromseg")} == {
        1: (),
        2: ("challenger", "champion"),
        3: (),
    }
    moves = [(e.action, e.alias, e.previous, e.version, e.reason) for e in history("chromseg") if e.alias]
    assert moves == [
        ("promote", "champion", None, 1, "the first"),
        ("promote", "challenger", None, 2, "to be tried"),
        ("promote", "champion", 1, 2, "better on the test cases"),
    ]
    assert {event.by.partition(" (")[0] for event in history("chromseg")} == {"Ada Tester <ada@lab.example>"}
    assert [event.action for event in history("chromseg")][:3] == ["register"] * 3


def test_rollback_goes_back_step_by_step_not_to_and_fro(three: Path) -> None:
    for number in (1, 2, 3):
        promote(f"chromseg/{number}", reason="newer")
    assert rollback("chromseg", reason="misses crossings").version == 2
    assert rollback("chromseg", reason="that one too").version == 1
    with pytest.raises(RegistryError, match="no earlier champion of chromseg on record than version 1"):
        rollback("chromseg", reason="once more")
    promote("chromseg/3", reason="repaired")
    assert rollback("chromseg", reason="not repaired").version == 1
    assert show("chromseg@champion").number == 1


def test_a_rollback_goes_where_it_was_decided_to_go_or_nowhere(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is decided the champion goes from 2 to 1, 3 and 2 again: the version before it is no longer 1."""
    for number in (1, 2):
        promote(f"chromseg/{number}", reason="newer")
    real, left = promotion.append, iter([True])

    def overtaken(*arguments: Any) -> Any:
        if next(left, False):
            rollback("chromseg", reason="faster")
            for number in (3, 2):
                promote(f"chromseg/{number}", reason="faster")
        return real(*arguments)

    monkeypatch.setattr(promotion, "append", overtaken)
    with pytest.raises(RegistryError, match=r"made version 2 the champion of chromseg at .*, while this was decided"):
        rollback("chromseg", reason="slower")
    assert rollback("chromseg", reason="decided again").version == 3
    assert verify().problems == ()


def _tag(project: Path) -> None:
    open_store().set_model_version_tag("chromseg", "2", "metrics", '{"test/overall_acc": 1.0}')


def _champions_tag(project: Path) -> None:
    open_store().set_model_version_tag("chromseg", "1", "metrics", '{"test/overall_acc": 0.0}')


def _weights(project: Path) -> None:
    with (resolve_model("models:/chromseg/2").folder / "model.safetensors").open("ab") as stream:
        stream.write(b" ")


def _policy(project: Path) -> None:
    with (project / "promotion.yaml").open("a") as stream:
        stream.write("# others\n")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_tag, "chromseg/2 no longer says what Ada Tester"),
        (_champions_tag, "chromseg/1 no longer says what Ada Tester"),
        (_weights, "model.safetensors has SHA-256"),
        (_policy, "promotion.yaml was changed while chromseg/2 was judged by it"),
    ],
)
def test_what_changed_since_it_was_judged_is_not_promoted(
    three: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], told: str
) -> None:
    promote("chromseg/1", reason="the first")
    real = promotion.append

    def held_up(*arguments: Any) -> Any:
        change(three)
        return real(*arguments)

    monkeypatch.setattr(promotion, "append", held_up)
    with pytest.raises(RegistryError, match=told):
        promote("chromseg/2", reason="judged before")
    assert [entry.version for entry in history("chromseg") if entry.alias] == [1]


def test_nothing_moves_without_a_reason_or_to_where_it_is(three: Path) -> None:
    with pytest.raises(RegistryError, match="an empty reason"):
        promote("chromseg/1", reason="  ")
    promote("chromseg/1", reason="the first")
    with pytest.raises(RegistryError, match="chromseg/1 is the champion already"):
        promote("chromseg/1", reason="again")
    with pytest.raises(RegistryError, match="alias 'champoin'; expected champion or challenger"):
        promote("chromseg/2", reason="a slip", alias="champoin")
    with pytest.raises(RegistryError, match="no earlier challenger"):
        rollback("chromseg", reason="there is none", alias="challenger")
    assert len([event for event in history("chromseg") if event.alias]) == 1


def test_an_alias_that_was_moved_behind_our_back_is_put_right_on_reading(three: Path) -> None:
    promote("chromseg/1", reason="the first")
    promote("chromseg/2", reason="newer")
    client = open_store()
    client.set_registered_model_alias("chromseg", "champion", "3")
    client.set_registered_model_alias("chromseg", "challenger", "3")
    assert show("chromseg@champion").number == 2
    assert client.get_registered_model("chromseg").aliases == {"champion": 2}
    client.delete_registered_model_alias("chromseg", "champion")
    assert rollback("chromseg", reason="not better").version == 1


def test_killed_between_entry_and_alias_a_promotion_stands(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    promote("chromseg/1", reason="the first")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(MlflowClient, "set_registered_model_alias", die)
        promote("chromseg/2", reason="newer")
    assert open_store().get_registered_model("chromseg").aliases == {"champion": 1}
    assert resolve_model("models:/chromseg@champion").version == 2
    assert open_store().get_registered_model("chromseg").aliases == {"champion": 2}
    assert [entry.version for entry in history("chromseg") if entry.alias] == [1, 2]


def test_a_rollback_to_files_that_are_gone_is_refused(three: Path) -> None:
    for number in (1, 2):
        promote(f"chromseg/{number}", reason="newer")
    (resolve_model("models:/chromseg/1").folder / "model.safetensors").unlink()
    with pytest.raises(RegistryError, match=r"lacks model\.safetensors"):
        rollback("chromseg", reason="misses crossings")
    assert show("chromseg@champion").number == 2
