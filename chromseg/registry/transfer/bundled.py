"""The bundled models: `bundled/<name>/`, tracked by `bundled.dvc`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import chromseg
from chromseg.dvc import run_dvc
from chromseg.errors import DataError, RegistryError
from chromseg.files import write_text
from chromseg.project import project_root
from chromseg.registry.card.text import CARD, compose, sections_of
from chromseg.registry.log.actor import acting_through
from chromseg.registry.promotion import promote
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.listing import show
from chromseg.registry.versions.parents import pinned_here
from chromseg.registry.versions.references import known_aliases
from chromseg.registry.versions.register import register
from chromseg.registry.versions.version import Version

_PROGRAM = "chromseg-ops init"
_NUMBERED = ("Intended use", "Lineage")


def register_bundled() -> list[tuple[Version, bool]]:
    """Register every bundled model under its folder's name, as champion where there is none; twice is once.

    Its lineage is the one in its `model.json`: the run, commit and data it was really trained with. A cascade comes
    after its parents, and is pinned to the versions they are here.

    Returns:
        Each version, and whether it is new.

    Raises:
        RegistryError: No bundled model is there, and DVC cannot fetch any.
    """
    registered, by = [], acting_through(_PROGRAM)
    for folder in _parents_first(_folders(project_root())):
        with _pinned(folder) as ready:
            version, new = register(ready, folder.name, allow_dirty=True, by=by, made_of=folder)
        if "champion" not in known_aliases(open_store(), version.name):
            reason = f"comes with ChromSeg-Ops {chromseg.__version__}"
            promote(f"{version.name}/{version.number}", reason=reason, by=by)
        registered.append((show(f"{version.name}/{version.number}"), new))
    return registered


def _parents_first(folders: list[Path]) -> list[Path]:
    from chromseg.models.package import read_card  # torch

    return sorted(folders, key=lambda folder: bool(read_card(folder).parents))


@contextmanager
def _pinned(folder: Path) -> Iterator[Path]:
    """The folder; of a cascade whose parents have other numbers in this store, a copy that says so."""
    from chromseg.models.package import read_card, write_card

    card = read_card(folder)
    here = pinned_here(open_store(), card) if card.parents else card
    if here == card:
        yield folder
        return
    with tempfile.TemporaryDirectory() as scratch:
        copy = shutil.copytree(folder, Path(scratch) / folder.name)
        write_card(copy, here)
        _forget_numbers(copy / CARD)
        yield copy


def _forget_numbers(card: Path) -> None:
    """Drop the sections of a model card that name the parents; registration writes them anew."""
    if card.is_file():
        sections = sections_of(card.read_text(encoding="utf-8"))
        kept = {heading: text for heading, text in sections.items() if heading not in _NUMBERED}
        write_text(card, compose(card.parent.name, kept))


def _folders(root: Path) -> list[Path]:
    found = _complete_folders(root)
    if not found:
        _pull(root)
        found = _complete_folders(root)
    if not found:
        raise RegistryError(
            f"no model in {root / 'bundled'}",
            expected="bundled/<name>/model.json",
            remedy="run from the project's folder, or register a model of your own (`chromseg-ops models register`)",
        )
    return found


def _complete_folders(root: Path) -> list[Path]:
    return sorted(card.parent for card in root.glob("bundled/*/model.json"))


def _pull(root: Path) -> None:
    if not (root / "bundled.dvc").is_file():
        return
    try:
        run_dvc(root, "pull", "bundled.dvc")
    except DataError as error:
        raise RegistryError(
            f"`dvc pull bundled.dvc` failed ({error.got})",
            expected="the bundled models in dvcstore/",
            remedy="clone the whole repository again, or pull from your lab's remote",
        ) from error
