"""What `init` looks at: is this machine fit for work?"""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, version

from chromseg.errors import RegistryError
from chromseg.project import project_root
from chromseg.registry.lineage.gather import hardware

_NEEDED = 200 * 2**20  # bytes: the store and a few models


def check_machine() -> dict[str, str]:
    """DVC, free disk space and device, in words.

    Raises:
        RegistryError: Hardly any disk space is left.
    """
    free = shutil.disk_usage(project_root()).free
    if free < _NEEDED:
        raise RegistryError(
            f"{free / 2**20:.0f} MiB free at {project_root()}",
            expected=f"at least {_NEEDED / 2**20:.0f} MiB",
            remedy="free some space",
        )
    return {"DVC": _dvc(), "disk": f"{free / 2**30:.1f} GiB free", "device": hardware()}


def _dvc() -> str:
    try:
        number = version("dvc")
    except PackageNotFoundError:
        return "not installed: pipelines and `data track` will not work (pip install 'chromseg-ops[data]')"
    place = "in use here" if (project_root() / ".dvc").is_dir() else "not in use here (`dvc init`)"
    return f"{number}, {place}"
