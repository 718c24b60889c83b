"""Who acts: every change of the registry is signed with a name.

A person says who they are (`CHROMSEG_ACTOR` or git); the operating system says which account of which machine that was,
by the process's user id, not by `LOGNAME` or `USER`, which anybody may set.
"""

from __future__ import annotations

import os
import platform
import subprocess

from chromseg.errors import RegistryError

try:
    import pwd
except ImportError:  # Windows has no user database of this kind
    pwd = None  # type: ignore[assignment]


def current_actor() -> str:
    """`CHROMSEG_ACTOR`, or else the git identity, followed by the user and machine: `Ada <ada@lab.org> (ada@scope-2)`.

    Raises:
        RegistryError: Neither is set.
    """
    name = _said()
    if not name:
        raise RegistryError(
            "nobody's name to sign this change with",
            expected="CHROMSEG_ACTOR or a git identity",
            remedy="set CHROMSEG_ACTOR, or `git config user.name` and `user.email`",
        )
    return f"{name} ({_account()})"


def acting_through(program: str) -> str:
    """What a program signs with that acts for the user who started it: `init for Ada <ada@lab.org> (ada@scope-2)`.

    Where no name is known it names the account alone.
    """
    name = _said()
    return f"{program} for {name} ({_account()})" if name else f"{program} ({_account()})"


def _said() -> str:
    """Name on one line; "" if nobody said one."""
    return " ".join(os.environ.get("CHROMSEG_ACTOR", "").split()) or _git_identity()


def _git_identity() -> str:
    name, email = _git_config("user.name"), _git_config("user.email")
    return f"{name} <{email}>" if name and email else ""


def _git_config(key: str) -> str:
    try:
        answer = subprocess.run(["git", "config", "--get", key], capture_output=True, text=True, check=False)
    except OSError:  # no git here
        return ""
    return answer.stdout.strip()


def _account() -> str:
    return f"{_login()}@{platform.node() or 'unknown host'}"


def _login() -> str:
    if pwd is None:
        return os.getlogin()
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container whose user id has no name
        return f"uid {os.geteuid()}"
