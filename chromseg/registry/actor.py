"""Who acts: every change of the registry is signed with a name."""

from __future__ import annotations

import getpass
import os
import platform
import subprocess

from chromseg.errors import RegistryError


def current_actor() -> str:
    """`CHROMSEG_ACTOR`, or else the git identity, followed by the user and machine: `Ada <ada@lab.org> (ada@scope-2)`.

    Raises:
        RegistryError: Neither is set.
    """
    name = os.environ.get("CHROMSEG_ACTOR", "").strip() or _git_identity()
    if not name:
        raise RegistryError(
            "nobody's name to sign this change with",
            expected="CHROMSEG_ACTOR or a git identity",
            remedy="set CHROMSEG_ACTOR, or `git config user.name` and `user.email`",
        )
    return f"{name} ({_login()}@{platform.node() or 'unknown host'})"


def _git_identity() -> str:
    name, email = _git_config("user.name"), _git_config("user.email")
    return f"{name} <{email}>" if name and email else ""


def _git_config(key: str) -> str:
    try:
        answer = subprocess.run(["git", "config", "--get", key], capture_output=True, text=True, check=False)
    except OSError:  # no git here
        return ""
    return answer.stdout.strip()


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user id has no name
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown user"
