"""A version that another store sent as one file, registered here; hashes and the log's excerpt are verified first."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from pathlib import Path

from chromseg.errors import RegistryError
from chromseg.registry.log.actor import current_actor
from chromseg.registry.transfer.transfer import Transfer, bad, checked, compare, read_manifest, unpack
from chromseg.registry.versions.listing import versions_with_weights
from chromseg.registry.versions.references import check_name
from chromseg.registry.versions.register import bring_in
from chromseg.registry.versions.resolve import checked_folder
from chromseg.registry.versions.version import Version


def import_version(
    file: Path, *, name: str | None = None, announced: str | None = None, by: str | None = None
) -> tuple[Version, bool]:
    """Register what `export_version` wrote as the next version; the same files again are the version they already are.

    Args:
        file: The transfer file.
        name: Registered model that gets the version; default: its name at home.
        announced: SHA-256 of the file, as the sender said it by another way; that it was compared is recorded.
        by: Who; default: `current_actor()`.

    Returns:
        The version, and whether it is new.

    Raises:
        RegistryError: The file is not the one announced, is damaged, was tampered with, or its log does not vouch for
            it.
    """
    by = by or current_actor()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        try:
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
                _check_announced(file, digest, announced)
                with zipfile.ZipFile(stream) as archive:
                    transfer = checked(file, read_manifest(archive))
                    unpack(archive, transfer, folder)
        except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError) as error:
            raise bad(file, f"{type(error).__name__}: {error}") from error
        compare(file, transfer, folder)
        return bring_in(
            folder,
            check_name(name or transfer.name),
            transfer.tags,
            by=by,
            reason=f"from {transfer.name}/{transfer.version} of another store{_unvouched(transfer)}",
            facts={
                "origin": [entry.to_dict() for entry in transfer.own],
                "origin_head": transfer.head,
                "origin_length": transfer.length,
                "file_sha256": digest,
                "file_announced": announced is not None,
            },
        )


def absent_parents(version: Version) -> tuple[str, ...]:
    """The parents of a cascade, as they are called at its home, whose weights no version of this store has."""
    from chromseg.models.package import read_card  # torch

    parents = read_card(checked_folder(version)).parents.values()
    absent = [own for own in parents if not versions_with_weights(own["weights_sha256"])]
    return tuple(f"{own['name']}/{own['version']}" for own in absent)


def _check_announced(file: Path, digest: str, announced: str | None) -> None:
    if announced is not None and digest != announced.strip().lower():
        raise RegistryError(
            f"{file} has SHA-256 {digest}",
            expected=f"{announced}, as announced",
            remedy="do not import it; ask the sender for the file and for its hash again, on separate ways",
        )


def _unvouched(transfer: Transfer) -> str:
    return "" if "package_sha256" in transfer.own[0].facts else ", whose log has no hash of its card and pages"
