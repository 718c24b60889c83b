"""Trials on record: what a version did with the golden set, so that a promotion need not wait for it again.

Trying a model out takes seconds, most of them for importing PyTorch. `models register` and `models import` do it once
and keep the outcome in the audit log. It counts as long as package, software and machine are the same; for anything
else there is no trial, and the gates try the version out anew.
"""

from __future__ import annotations

import hashlib
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import chromseg
from chromseg.files import sha256
from chromseg.registry.gates.measured import Measured
from chromseg.registry.gates.policy import read_policy
from chromseg.registry.gates.probe import measure
from chromseg.registry.lineage.gather import processor
from chromseg.registry.log.actor import current_actor
from chromseg.registry.log.audit import append, read_log
from chromseg.registry.log.chain import Chain
from chromseg.registry.log.entries import Entry, timestamp
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.package_files import hash_of
from chromseg.registry.versions.resolve import checked_package
from chromseg.registry.versions.version import Version


@dataclass(frozen=True)
class Circumstances:
    """What the outcome of a trial hangs on.

    Attributes:
        package_sha256: Of all files of the MLflow package, with their names.
        software_sha256: Of ChromSeg-Ops itself, golden set included, and the names and versions of all that is
            installed beside it.
        machine: Processor, usable cores, number of GPUs.
    """

    package_sha256: str
    software_sha256: str
    machine: str


def try_out(version: Version, *, by: str | None = None) -> Measured | None:
    """Try a registered version out, unless it is on record that it runs, and put on record what came of it.

    Args:
        version: As registered.
        by: Who; default: `current_actor()`.

    Returns:
        What the trial gave; None if the policy asks for none.

    Raises:
        ConfigError: `promotion.yaml` cannot be read.
        RegistryError: Its files are not those registered, the user's name is not known, or the store takes no entry.
    """
    if not read_policy()[0].needs_prediction:
        return None
    by, client, (package, files) = by or current_actor(), open_store(), checked_package(version)
    here = circumstances(files)
    known = on_record(read_log(client), version, here)
    if known is not None and not known.problem:
        return known
    measured = measure(package)
    facts = {"circumstances": asdict(here), "measured": asdict(measured)}
    entry = Entry(timestamp(), by, "trial", version.name, version.number, reason=measured.problem, facts=facts)
    append(client, lambda _: entry)
    return measured


def on_record(chain: Chain, version: Version, here: Circumstances) -> Measured | None:
    """The latest trial of a version under these circumstances; None if there is none."""
    trials = [entry for entry in chain.of(version.name) if entry.action == "trial" and entry.version == version.number]
    same = [entry.facts["measured"] for entry in trials if entry.facts["circumstances"] == asdict(here)]
    return Measured(**same[-1]) if same else None


def circumstances(files: Mapping[str, str]) -> Circumstances:
    """Those of a trial here and now.

    Args:
        files: SHA-256 of each file of the MLflow package, by name.
    """
    own = Path(chromseg.__file__).parent
    installed = sorted(path.name for path in Path(sysconfig.get_path("purelib")).glob("*.dist-info"))
    software = "\n".join([_digest(own, own.rglob("*.py")), _digest(own, own.rglob("golden/*")), *installed])
    gpus = len(list(Path("/dev").glob("nvidia[0-9]*")))
    machine = f"{processor()}, {gpus or 'no'} GPU{'s' if gpus > 1 else ''}"
    return Circumstances(hash_of(files), hashlib.sha256(software.encode()).hexdigest(), machine)


def _digest(root: Path, files: Iterable[Path]) -> str:
    """SHA-256 over the names, below `root`, and the contents of files; what Python compiled on the way left out."""
    own = (path for path in files if path.is_file() and path.parent.name != "__pycache__")
    hashes = {path.relative_to(root).as_posix(): sha256(path) for path in own}
    return hash_of(hashes)
