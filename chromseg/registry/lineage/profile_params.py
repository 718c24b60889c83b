"""What the params of a pipeline say today, as far as this project has the pipeline."""

from __future__ import annotations

from chromseg.config import read_params
from chromseg.errors import ConfigError
from chromseg.project import Pipeline, project_root


def compare_setting(profile: str, name: str) -> str | None:
    """A value in the block `compare`: the variant that is `baseline`, or the one in the `gallery`.

    Args:
        profile: Name of the pipeline.
        name: Of the value.

    Returns:
        None if the project has no such pipeline, or its params do not say.
    """
    file = Pipeline(profile, project_root()).params_file
    try:
        return (read_params(file).get("compare") or {}).get(name) if file.is_file() else None
    except ConfigError:
        return None
