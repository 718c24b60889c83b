"""API keys: random, shown once, kept only as hashes in a file `name:sha256`, compared in constant time.

A plain SHA-256 is enough for keys of 256 random bits, which no dictionary holds; it would not be for passwords.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from chromseg.errors import ConfigError

_LINE = re.compile(r"(?P<name>[^:\s][^:]*):(?P<hash>[0-9a-f]{64})")


@dataclass(frozen=True)
class ApiKeys:
    """Hash by name."""

    hashes: dict[str, bytes]

    def owner_of(self, key: str) -> str | None:
        """Whose key it is; every hash is compared, so that the time reveals nothing."""
        given = _hash(key)
        owner = None
        for name, expected in self.hashes.items():
            if hmac.compare_digest(given, expected):
                owner = name
        return owner


def read_keys(path: Path) -> ApiKeys:
    """Read a file of `name:sha256` lines; empty lines and those with `#` in front are comments.

    Raises:
        ConfigError: It cannot be read, a line has another form, or there is no key.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _bad(f"{path} cannot be read ({error})") from error
    hashes = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise _bad(f"{path}, line {number}, is no key")
        hashes[match["name"]] = bytes.fromhex(match["hash"])
    if not hashes:
        raise _bad(f"{path} holds no key")
    return ApiKeys(hashes)


def new_key(name: str) -> tuple[str, str]:
    """A fresh key, and the line for the file.

    Raises:
        ConfigError: The name holds a colon or nothing.
    """
    key = secrets.token_urlsafe(32)
    line = f"{name}:{_hash(key).hex()}"
    if _LINE.fullmatch(line) is None:
        raise ConfigError(f"key name {name!r}", expected="a word without a colon", remedy="choose another name")
    return key, line


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", errors="replace")).digest()


def _bad(got: str) -> ConfigError:
    return ConfigError(
        got, expected="lines of name:sha256", remedy="make one with `chromseg-ops serve --new-key NAME` and append it"
    )
