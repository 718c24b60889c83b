"""The model as MLflow sees it: encoded image files in, the JSON of `instances.json` out.

MLflow copies this file into every registered model and runs it on loading, instead of unpickling an object. It needs
ChromSeg-Ops installed; the weights are safetensors.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd


class ChromosomeModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """A predictor behind MLflow's interface."""

    def load_context(self, context: Any) -> None:
        """Load the model folder that was packed as artifact `model`."""
        from chromseg.inference.predictor import Predictor

        self.predictor = Predictor.from_folder(Path(context.artifacts["model"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Cut each image of column `image` (encoded file as bytes) into chromosomes.

        Returns:
            One column `instances`: COCO JSON (design §7), a row an image.
        """
        from chromseg.inference.exports import to_coco

        texts = [json.dumps(to_coco(self.predictor.predict(bytes(image)))) for image in model_input["image"]]
        return pd.DataFrame({"instances": pd.Series(texts, dtype=object)})


mlflow.models.set_model(ChromosomeModel())
