"""The trial of a model: nothing is unpickled, and libraries that are imported only then still work."""

from __future__ import annotations

import io
import pickle

import pytest

from chromseg.registry.gates.probe import _no_pickle


def test_nothing_is_unpickled_while_a_model_is_tried_out():
    frozen = pickle.dumps({"a": 1})
    with _no_pickle():
        for thaw in (lambda: pickle.loads(frozen), lambda: pickle.Unpickler(io.BytesIO(frozen)).load()):
            with pytest.raises(RuntimeError, match="wants to be unpickled"):
                thaw()
    assert pickle.loads(frozen) == {"a": 1}


def test_a_library_imported_meanwhile_may_derive_from_the_unpickler():
    with _no_pickle():
        derived = type("Derived", (pickle.Unpickler,), {})
        with pytest.raises(RuntimeError):
            derived(io.BytesIO(b""))
