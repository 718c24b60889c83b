"""A share of the pictures, for many processes that know nothing of each other: arrays of Slurm, indexed jobs."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from chromseg.errors import ConfigError


@dataclass(frozen=True)
class Shard:
    """Share `number` of `of`, from 1.

    A picture belongs to the share that its name's SHA-256 says, whatever else lies beside it: the shares are disjoint
    and hold all pictures together, and one that is added later moves none.
    """

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """`i/n`, as of `--shard`.

        Raises:
            ConfigError: The text is no share.
        """
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        shard = cls(*map(int, found.groups())) if found else cls(0, 0)
        if not 1 <= shard.number <= shard.of:
            raise ConfigError(
                f"--shard {text}", expected="i/n with 1 ≤ i ≤ n, such as 3/16", remedy="count the shares from 1"
            )
        return shard

    def holds(self, key: str) -> bool:
        """Whether a picture of this name, the path of its result below the destination, belongs to the share."""
        return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % self.of == self.number - 1

    def named(self, file: str) -> str:
        """A file's name with that of the share, so that no share writes over another: `failures-3of16.json`."""
        stem, dot, suffix = file.rpartition(".")
        return file if self.of == 1 else f"{stem}-{self.number}of{self.of}{dot}{suffix}"
