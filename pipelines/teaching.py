"""Teaches a cascade's verifier: outlines of training metaphases, cut by the cascade itself, on all cores."""

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
from chromseg.models.package import read_card
from chromseg.models.verifier import Verifier
from chromseg.training.verifier import Candidates, train_verifier
from pipelines.profile import Profile
from pipelines.selection import Part, evenly


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
            expected="some, by which the verifier is taught",
            remedy="prepare a set with training cases, or build the cascade with `--lessons 0`, without a verifier",
        )
    return [
        entry for sets in by_stain.values() for own in sets.values() for entry in evenly(own, max(1, most // len(sets)))
    ]


def teach(folder: Path, prepared: Path, entries: list[SampleEntry], stains: Mapping[str, str], kept: Path) -> Verifier:
    """Cut metaphases with the cascade in `folder`, and train a verifier on what comes out.

    Args:
        folder: A cascade.
        prepared: Where the samples are.
        entries: Of training metaphases.
        stains: Stain of each dataset.
        kept: A folder for the outlines of each picture, so that an interrupted build goes on; removed at the end.

    Raises:
        ModelError: The cascade sees chromosomes of any width, so nobody knows how large an outline is to look.
    """
    if not read_card(folder).trained_width:
        raise ModelError(
            f"{folder}, whose networks see chromosomes of any width",
            expected="a cascade of networks that were trained with `prepare.width`",
            remedy="train them so, or build it with `--lessons 0`, without a verifier",
        )
    cut = partial(_cut, folder, prepared, dict(stains), kept)
    with ProcessPoolExecutor(usable_cores(), mp_context=get_context("spawn"), initializer=_alone) as pool:
        parts = list(pool.map(cut, entries))
    verifier = train_verifier(Candidates.joined(parts))
    shutil.rmtree(kept)
    return verifier


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
            np.savez_compressed(stream, views=found.views, figures=found.figures, ious=found.ious, stains=found.stains)
    with np.load(path) as arrays:
        return Candidates(arrays["views"], arrays["figures"], arrays["ious"], arrays["stains"])


@cache
def _cascade(folder: Path) -> CascadePredictor:
    predictor = predictor_from_folder(folder)
    assert isinstance(predictor, CascadePredictor)
    return predictor
