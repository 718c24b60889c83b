"""What people call a model, a folder or a registered version, and a dataset. Needs neither PyTorch nor MLflow."""

from __future__ import annotations

import re
from pathlib import Path

from chromseg import DEFAULT_MODEL
from chromseg.errors import DataError, ModelError

REGISTERED = "models:/"
MODEL_FILES = ("model.safetensors", "model.json")


def is_reference(text: str) -> bool:
    """Whether `text` means a registered version rather than a folder."""
    return text.startswith(REGISTERED) or "@" in text


def model_folder(model: str | Path) -> Path | None:
    """The folder that is meant, which holds a model's files; None where a registered version is meant.

    Raises:
        ModelError: There is no such folder, or it holds no model.
    """
    folder = Path(model)
    if isinstance(model, str) and is_reference(model) and not folder.is_dir():
        return None
    missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"{folder} lacks {' and '.join(missing)}" if folder.is_dir() else f"no model folder {folder}",
            expected=f"a folder with {' and '.join(MODEL_FILES)}, or a registered model such as {DEFAULT_MODEL}",
            remedy="check the path, or see `chromseg-ops models list`",
        )
    return folder


def check_dataset_name(name: str, option: str) -> None:
    """Refuse what cannot name a dataset; `option` is how the user gave it.

    Raises:
        DataError: It is no plain name of a folder.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise DataError(
            f"dataset name {name!r}",
            expected="letters, digits, dots, dashes and underscores, a letter or digit first",
            remedy=f"choose another {option}",
        )
