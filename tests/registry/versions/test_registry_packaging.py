from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from chromseg.project import tracking_uri
from chromseg.registry.promotion import promote
from chromseg.registry.store.backend import mlflow
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.packaging import SIGNATURE
from chromseg.registry.versions.references import find_version, parse_reference
from chromseg.registry.versions.register import register


@pytest.fixture
def source(store: Path, make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> str:
    """The folder with the files of the registered champion; MLflow's own functions know the store."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri())
    register(make_model(), "chromseg")
    promote("chromseg/1", reason="the first")
    return str(find_version(open_store(), parse_reference("chromseg/1")).source).removeprefix("file://")


def picture() -> bytes:
    """Two banded bars that cross, dark on a light ground, as a PNG."""
    row, col = np.mgrid[:96, :96].astype(float)
    upright = np.exp(-(((col - 46) / 6) ** 4) - ((row - 48) / 30) ** 8) * (0.45 + 0.2 * np.sin(row / 3))
    lying = np.exp(-(((row - 50) / 6) ** 4) - ((col - 48) / 36) ** 8) * (0.45 + 0.2 * np.sin(col / 3))
    noise = np.random.default_rng(0).normal(0, 2, row.shape)
    stream = io.BytesIO()
    Image.fromarray((230 * (1 - upright) * (1 - lying) + noise).clip(0, 255).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def test_the_package_holds_code_and_safetensors_but_no_pickle(source: str) -> None:
    root = Path(source)
    names = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert {"MLmodel", "pyfunc_model.py", "artifacts/model/model.safetensors", "artifacts/model/model.json"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".pt", ".pth"))]


def test_the_signature_is_one_image_in_one_text_out(source: str) -> None:
    info = mlflow.models.get_model_info(source)
    assert info.signature == SIGNATURE
    model = open_store().get_logged_model(info.model_id)
    assert (str(model.status), model.source_run_id) == ("READY", info.run_id)


def test_mlflow_loads_it_without_pickle_and_gets_the_json_of_predict(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chromseg.api import load_predictor
    from chromseg.inference.exports import to_coco

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    model = mlflow.pyfunc.load_model("models:/chromseg@champion")
    answer = model.predict(pd.DataFrame({"image": [picture(), picture()]}))
    assert list(answer.columns) == ["instances"] and len(answer) == 2
    told = json.loads(answer["instances"][0])
    expected = json.loads(json.dumps(to_coco(load_predictor("models:/chromseg@champion").predict(picture()))))
    for ours in (told, expected):  # the package does not know under which number it was registered
        ours["model"].pop("name"), ours["model"].pop("version")
    assert told == expected


def test_predictors_know_their_version(source: str) -> None:
    from chromseg import load_predictor

    identity = load_predictor("models:/chromseg@champion").identity
    assert (identity.name, identity.version) == ("chromseg", "1")
