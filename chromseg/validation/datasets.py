"""Validation of an annotated dataset: facts measured, rules built, Great Expectations run on each table."""

from __future__ import annotations

from pathlib import Path

from chromseg.annotations.dataset import Dataset, read_dataset
from chromseg.errors import DataError
from chromseg.validation.dataset_facts import DatasetFacts, dataset_facts, unusable_dataset
from chromseg.validation.limits import DatasetLimits
from chromseg.validation.report import Report, combine
from chromseg.validation.rules import annotated_image_rules, annotation_rules, dataset_rules


def validate_dataset(root: Path, limits: DatasetLimits = DatasetLimits()) -> Report:  # noqa: B008 — frozen
    """Validate the dataset at `root`, pixels included.

    Args:
        root: Folder with `dataset.yaml`, `annotations.json` and `images/`.
        limits: What is allowed.

    Returns:
        A report named like the folder. A set whose card or annotations cannot be used gives a report with that one
        failure; images that cannot be read are failures too.

    Raises:
        DataError: There is no such folder.
    """
    if not root.is_dir():
        raise DataError(
            f"no dataset {root}",
            expected="the folder of an imported dataset",
            remedy="check the name, or run `chromseg-ops data import`",
        )
    try:
        dataset = read_dataset(root)
    except DataError as error:
        return _evaluate(root.name, unusable_dataset(f"{root.name}/annotations.json", error), limits)
    return _evaluate(root.name, dataset_facts(dataset, limits.look_alike), limits, dataset)


def _evaluate(name: str, facts: DatasetFacts, limits: DatasetLimits, dataset: Dataset | None = None) -> Report:
    from chromseg.validation.engine import evaluate  # imports Great Expectations, which takes seconds

    tables = [(dataset_rules(), facts.dataset)]
    if dataset is not None:
        labels = tuple(dataset.categories)
        tables.append((annotated_image_rules(limits, dataset.card.polarity), facts.images))
        tables.append((annotation_rules(limits, labels, facts.median_area), facts.annotations))
    return combine(name, [evaluate(name, rules, rows) for rules, rows in tables])
