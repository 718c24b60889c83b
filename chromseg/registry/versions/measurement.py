"""`models evaluate`: what a registered version scores on a dataset, measured here and entered into the audit log.

A measurement is the one kind of score that nobody can type in: it is made of the registered files, which are compared
with their hashes, and of pictures whose hash goes into the log with it. Gates believe it before anything else.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import chromseg
from chromseg.annotations.collection import collect
from chromseg.annotations.dataset import Dataset, read_dataset
from chromseg.annotations.hashing import md5_of_test
from chromseg.annotations.splits import SPLITS
from chromseg.dvc import folder_md5
from chromseg.errors import DataError, RegistryError
from chromseg.project import DATA, dataset_folder, project_root
from chromseg.registry.lineage.gather import hardware
from chromseg.registry.log.actor import current_actor
from chromseg.registry.log.audit import append
from chromseg.registry.log.entries import Entry, timestamp
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.references import parse_reference
from chromseg.registry.versions.resolve import checked_folder
from chromseg.registry.versions.version import Version, find
from chromseg.training.tracker import finite


def evaluate(reference: str, data: str, *, split: str = "test", by: str | None = None, device: str = "auto") -> Entry:
    """Measure a registered version on a dataset below `data/`, and enter it into the log.

    Args:
        reference: `NAME@ALIAS` or `NAME/VERSION`.
        data: Name of the dataset.
        split: Whose cases; gates look at those of `test` alone.
        by: Who; default: `current_actor()`.
        device: Where the network runs, as `usable_device` takes it.

    Returns:
        The entry; its facts hold scores, slices, and what they were measured on.

    Raises:
        RegistryError: There is no such version, its files are not those registered, or the user's name is not known.
        DataError: There is no such dataset, it has no case in the split, or the model was trained on one of them.
    """
    by, version = by or current_actor(), find(open_store(), parse_reference(reference))
    facts = measure(version, data, split=split, device=device)
    return enter(version, facts, by)


def enter(version: Version, facts: dict[str, Any], by: str) -> Entry:
    """Put what was measured into the log."""
    entry = Entry(timestamp(), by, "evaluate", version.name, version.number, facts=facts)
    return append(open_store(), lambda _: entry)


def measure(version: Version, data: str, *, split: str = "test", device: str = "auto") -> dict[str, Any]:
    """Judge a version; nothing is entered. Arguments and errors as of `evaluate`."""
    from chromseg.annotations.preparation import samples_of_picture
    from chromseg.annotations.samples import read_samples, write_samples
    from chromseg.annotations.seen import Seen, refuse_seen
    from chromseg.evaluation.measuring import judge_samples
    from chromseg.inference.load import predictor_from_folder
    from chromseg.models.package import read_card

    folder, root = checked_folder(version), dataset_folder(data, project_root())
    dataset = _cases(root, data, split)
    pictures = collect([dataset])
    tested = {each.key: each.image.file_name for each in pictures}
    card = read_card(folder)
    refuse_seen(tested, Seen.from_card(card.seen, version.label), version.label)
    predictor = predictor_from_folder(folder, device=device)
    with tempfile.TemporaryDirectory() as scratch:  # as the stage `prepare` leaves them, to the bit
        prepared = Path(scratch) / "prepared"
        samples = (each for picture in pictures for each in samples_of_picture(picture, width=card.trained_width))
        write_samples(prepared, samples)
        cutouts, whole = (read_samples(prepared, kinds=(kind,)) for kind in ("cutout", "metaphase"))
        judged = judge_samples(predictor, cutouts, whole, {data: dataset.card.stain})
    if judged is None:
        raise _no_case(data, split)
    return {
        "data": data,
        "data_md5": folder_md5(root),
        "split": split,
        "test_md5": md5_of_test([root]) if split == "test" else None,
        "metrics": finite(judged.metrics | judged.slices),
        "weights_sha256": version.weights_sha256,
        "machine": hardware(),
        "software": chromseg.__version__,
    }


def dataset_of(test: str) -> str | None:
    """The name of the dataset below `data/` whose test cases have this md5; None if it is not at hand."""
    for card in sorted((project_root() / DATA).glob("*/dataset.yaml")):
        try:
            if md5_of_test([card.parent]) == test:
                return card.parent.name
        except DataError:  # a set that cannot be read is not at hand
            continue
    return None


def _cases(root: Path, data: str, split: str) -> Dataset:
    """The dataset cut down to the cases of one split."""
    if split not in SPLITS:
        raise RegistryError(f"split {split!r}", expected=f"one of {', '.join(SPLITS)}", remedy="choose one of them")
    if not root.is_dir():
        raise DataError(f"no dataset data/{data}", expected="a folder below data/", remedy="import it, or `dvc pull`")
    dataset = read_dataset(root)
    cases = dataset.in_split(split)
    if not cases:
        raise _no_case(data, split)
    own = {image.id for image in cases}
    return replace(dataset, images=cases, instances=tuple(each for each in dataset.instances if each.image_id in own))


def _no_case(data: str, split: str) -> DataError:
    return DataError(
        f"data/{data} without a case to judge by in the split `{split}`",
        expected="annotated pictures there",
        remedy="name another set, or another --split",
    )
