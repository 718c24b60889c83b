"""MLflow, imported once, quiet and closed: no telemetry, no pickles, no messages beside ours.

Everything else in `chromseg.registry` takes MLflow's names from here: the settings must stand before MLflow reads them.
"""

from __future__ import annotations

import warnings

from chromseg.registry.store.quiet import quieten

quieten()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow 3.17 uses SQLAlchemy and pydantic features that are on their way out
    import mlflow
    import mlflow.artifacts
    import mlflow.pyfunc
    import mlflow.store.model_registry.sqlalchemy_store
    import mlflow.store.tracking.sqlalchemy_store
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, InputTag, Metric, Param, Run, RunTag, ViewType
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel
    from mlflow.exceptions import MlflowException
    from mlflow.models import ModelSignature
    from mlflow.tracking._model_registry.client import ModelRegistryClient
    from mlflow.types import ColSpec, Schema
    from mlflow.utils.file_utils import local_file_uri_to_path
    from mlflow.utils.uri import is_local_uri
    from sqlalchemy.exc import SQLAlchemyError

__all__ = [
    "ColSpec",
    "DatasetInput",
    "InputTag",
    "Metric",
    "MlflowClient",
    "MlflowException",
    "ModelRegistryClient",
    "ModelSignature",
    "ModelVersion",
    "Param",
    "RegisteredModel",
    "Run",
    "RunTag",
    "SQLAlchemyError",
    "Schema",
    "ViewType",
    "is_local_uri",
    "local_file_uri_to_path",
    "mlflow",
]
