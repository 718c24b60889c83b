"""Teaches a cascade's verifier and corrector: outlines of training metaphases, cut by the cascade, on all cores."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from chromseg.annotations.index import SampleEntry
from chromseg.annotations.samples import read_entries
from chromseg.cores import usable_cores
from chromseg.errors import DataError, ModelError
from chromseg.evaluation.candidates import candidates_of
from chromseg.files import replacing
from chromseg.inference.cascade import CascadePredictor
from chromseg.inference.load import predictor_from_folder
from chromseg.models.corrector import Corrector
from chromseg.models.package import read_card
from chromseg.models.verifier import Verifier
from chromseg.training.candidates import Candidates
from chromseg.training.corrector import train_corrector
from chromseg.training.verifier import train_verifier
from pipelines.profile import Profile
from pipelines.selection import Part, evenly

_HALF = 0.5  # IoU


def lessons(profile: Profile, stains: Mapping[str, str], most: int) -> list[SampleEntry]:
    """Training metaphases, at most so many of each stain, in equal parts of each of its sets; none if `most` is 0.

    Raises:
        DataError: There are none.
    """
    if not most:
        return []
    by_stain: dict[str, dict[str, list[SampleEntry]]] = {}
    for entry in Part(profile.prepared, ("train",), ("metaphase",), tuple(stains)).entries():
        by_stain.setdefault(stains[entry.dataset], {}).setdefault(entry.dataset, []).append(entry)
    if not by_stain:
        raise DataError(
            f"no training metaphase in {profile.prepared}",
            expected="some, by which verifier and corrector are taught",
            remedy="prepare a set with training cases, or build the cascade with `--lessons 0`, without both",
        )
    return [
        entry for sets in by_stain.values() for own in sets.values() for entry in evenly(own, max(1, most // len(sets)))
    ]


def teach(
    folder: Path, prepared: Path, entries: list[SampleEntry], stains: Mapping[str, str], kept: Path
) -> tuple[Verifier, Corrector]:
    """Cut metaphases with the cascade in `folder`, and train its own networks on what comes out.

    Args:
        folder: A cascade.
        prepared: Where the samples are.
        entries: Of training metaphases.
        stains: Stain of each dataset.
        kept: A folder for the outlines of each picture, so that an interrupted build goes on; removed at the end.

    Raises:
        DataError: It finds no outline of half a chromosome in any of them.
        ModelError: The cascade sees chromosomes of any width, so nobody knows how large an outline is to look.
    """
    if not read_card(folder).trained_width:
        raise ModelError(
            f"{folder}, whose networks see chromosomes of any width",
            expected="a cascade of networks that were trained with `prepare.width`",
            remedy="train them so, or build it with `--lessons 0`, without verifier and corrector",
        )
    cut = partial(_cut, folder, prepared, dict(stains), kept)
    with ProcessPoolExecutor(usable_cores(), mp_context=get_context("spawn"), initializer=_alone) as pool:
        parts = list(pool.map(cut, entries))
    candidates = Candidates.joined(parts)
    if not (candidates.ious >= _HALF).any():
        raise DataError(
            f"no outline of half a chromosome in {len(parts)} training metaphases",
            expected="a cascade that finds chromosomes, since their outlines teach its own networks",
            remedy="train its parents longer, or build it with `--lessons 0`, without verifier and corrector",
        )
    taught = train_verifier(candidates), train_corrector(candidates)
    shutil.rmtree(kept)
    return taught


def _alone() -> None:
    """One core each: the pictures are side by side already."""
    torch.set_num_threads(1)


def _cut(folder: Path, prepared: Path, stains: Mapping[str, str], kept: Path, entry: SampleEntry) -> Candidates:
    """The outlines of one metaphase, from the file of an earlier try if there is one."""
    path = kept / f"{entry.name}.npz"
    if not path.is_file():
        (sample,) = read_entries(prepared, [entry])
        found = candidates_of(_cascade(folder), sample, stains[entry.dataset])
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(stream, **vars(found))
    with np.load(path) as arrays:
        return Candidates(**arrays)


@cache
def _cascade(folder: Path) -> CascadePredictor:
    predictor = predictor_from_folder(folder)
    assert isinstance(predictor, CascadePredictor)
    return predictor
