"""What clients call the models of a server."""

from __future__ import annotations

from chromseg.errors import ConfigError
from chromseg.naming import REGISTERED, model_folder
from chromseg.serving.settings import ServeSettings

MOST = 4  # models of a server: each stays in memory


def names_of(settings: ServeSettings) -> list[str]:
    """What clients call the models of a server: `NAME@ALIAS` or `NAME/VERSION`, or a folder's name; the first first.

    Raises:
        ConfigError: There are too many, or two have one name.
        ModelError: There is no such folder, or it holds no model.
    """
    models = (settings.model, *settings.also)
    names = [_name_of(model) for model in models]
    if len(models) > MOST:
        raise ConfigError(
            f"{len(models)} models",
            expected=f"at most {MOST}, which all stay in memory",
            remedy="leave some --also out",
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(
            f"two models called {twice}",
            expected="models of different names",
            remedy="leave one out, or rename a folder",
        )
    return names


def _name_of(model: str) -> str:
    folder = model_folder(model)
    return model.removeprefix(REGISTERED) if folder is None else folder.resolve().name
