"""What `chromseg.registry` hands out: its verbs, each imported when it is first asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chromseg import registry


@pytest.mark.parametrize("verb", registry.__all__)
def test_a_verb_is_handed_out_under_its_own_name(verb: str) -> None:
    assert getattr(registry, verb).__name__ == verb
    assert verb in dir(registry)


def test_every_verb_with_a_module_is_named_and_none_is_hidden_by_a_room() -> None:
    assert sorted(registry._MODULE) == sorted(registry.__all__)
    rooms = {path.stem for path in Path(registry.__file__).parent.iterdir()}
    assert not rooms & set(registry.__all__), "once a room is imported, its name means the room"


def test_an_unknown_verb_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'chromseg.registry' has no attribute 'demote'"):
        _ = registry.demote


def test_naming_the_registry_imports_no_mlflow() -> None:
    code = "import sys; from chromseg import registry; dir(registry); sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
