"""What can be known to be wrong before a server starts: who could reach it, on which device, with how many workers."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

from chromseg.errors import ConfigError
from chromseg.extras import named_if_missing
from chromseg.naming import model_folder
from chromseg.serving.keys import read_keys
from chromseg.serving.names import names_of
from chromseg.serving.settings import ServeSettings

_LONGEST = 90  # bytes of a folder's name: a socket in it may have 103, of some systems


def check_exposure(settings: ServeSettings, allow_anonymous: bool) -> None:
    """Refuse to be reached from other machines by anyone.

    Raises:
        ConfigError: The address is not this machine's own, and there are no keys.
    """
    if settings.api_keys or allow_anonymous or _is_loopback(settings.host):
        return
    raise ConfigError(
        f"--host {settings.host} without API keys",
        expected="an address of this machine alone, or --api-keys FILE",
        remedy="make a key with `chromseg-ops serve --new-key NAME`, or say --allow-anonymous if a proxy asks for keys",
    )


def check_workers(workers: int) -> None:
    """Refuse several workers where they cannot share a socket and end as one.

    Raises:
        ConfigError: This is Windows.
    """
    if workers > 1 and os.name == "nt":
        raise ConfigError(
            f"--workers {workers} on Windows",
            expected="--workers 1, which uses all cores too; several need Linux or macOS",
            remedy="leave --workers out, or run the server in WSL or on Linux",
        )


def check_shared(folder: str) -> None:
    """Refuse a folder in which workers could not have sockets.

    Raises:
        ConfigError: Its name is too long for that.
    """
    if len(os.fsencode(folder)) > _LONGEST:
        raise ConfigError(
            f"{folder}, {len(os.fsencode(folder))} bytes",
            expected=f"a folder for temporary files of at most {_LONGEST} bytes, which sockets of several workers need",
            remedy="let TMPDIR be a folder with a shorter name",
        )


def check_once(settings: ServeSettings) -> None:
    """Find out here what would keep every worker from starting.

    Raises:
        ChromsegError: Model, keys or device cannot be used.
    """
    from chromseg.models.device import usable_device  # the parent of several workers needs no torch

    names_of(settings)
    for model in (settings.model, *settings.also):
        if model_folder(model) is None:
            with named_if_missing():
                from chromseg.registry.versions.resolve import resolve_model

            resolve_model(model)
    if settings.api_keys:
        read_keys(Path(settings.api_keys))
    usable_device(settings.device)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
