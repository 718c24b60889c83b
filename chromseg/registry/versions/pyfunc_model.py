"""The model as MLflow sees it: encoded image files in, the JSON of `instances.json` out.

MLflow copies this file into every registered model and runs it on loading, instead of unpickling an object. The code it
needs lies beside it, in `code/`; the weights are safetensors.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd


class ChromosomeModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """A predictor behind MLflow's interface."""

    def load_context(self, context: Any) -> None:
        """Load the model folder that was packed as artifact `model`."""
        from chromseg.inference.load import predictor_from_folder

        _tell_which_code()
        self.predictor = predictor_from_folder(Path(context.artifacts["model"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Cut each image of column `image` (encoded file as bytes) into chromosomes.

        Returns:
            One column `instances`: COCO JSON (contract §7), a row an image.
        """
        from chromseg.inference.exports import to_coco

        texts = [json.dumps(to_coco(self.predictor.predict(bytes(image)))) for image in model_input["image"]]
        return pd.DataFrame({"instances": pd.Series(texts, dtype=object)})


def _tell_which_code() -> None:
    """Warn if another ChromSeg-Ops than the one in the package, imported before, is going to answer: all or nothing."""
    import chromseg

    own, used = Path(__file__).parent / "code" / "chromseg", Path(chromseg.__file__).parent
    names = [path.relative_to(own) for path in own.rglob("*.py")]
    if any(not (used / name).is_file() or (used / name).read_bytes() != (own / name).read_bytes() for name in names):
        warnings.warn(
            f"ChromSeg-Ops of {used}, which this process has imported, answers; it is not the one that the model was "
            "registered with: load the model in a process of its own to use that",
            stacklevel=2,
        )


mlflow.models.set_model(ChromosomeModel())
