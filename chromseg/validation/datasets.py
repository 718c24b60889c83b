"""Validation of an annotated dataset: facts measured, rules built, Great Expectations run on each table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chromseg.annotations.dataset import read_dataset
from chromseg.errors import DataError
from chromseg.validation.dataset_facts import DatasetFacts, dataset_facts, unusable_dataset
from chromseg.validation.facts import Facts
from chromseg.validation.light import evaluate_light
from chromseg.validation.limits import DatasetLimits
from chromseg.validation.report import Report, combine
from chromseg.validation.rules import Rule, annotated_image_rules, annotation_rules, dataset_rules


def validate_dataset(root: Path, limits: DatasetLimits = DatasetLimits(), *, light: bool = False) -> Report:  # noqa: B008
    """Validate the dataset at `root`, pixels included.

    Args:
        root: Folder with `dataset.yaml`, `annotations.json` and `images/`.
        limits: What is allowed.
        light: Judge without Great Expectations: the same report, some seconds sooner.

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
    tables = _tables(root, limits)
    if light:
        return combine(root.name, [evaluate_light(root.name, rules, rows) for rules, rows in tables])

    from chromseg.validation.engine import evaluate  # imports Great Expectations, which takes seconds

    return combine(root.name, [evaluate(root.name, rules, rows) for rules, rows in tables])


def _tables(root: Path, limits: DatasetLimits) -> list[tuple[Sequence[Rule], Sequence[Facts]]]:
    """Rules with the table of facts that they judge."""
    try:
        dataset = read_dataset(root)
    except DataError as error:
        return [(dataset_rules(), unusable_dataset(root.name, error).dataset)]
    facts: DatasetFacts = dataset_facts(dataset, limits.look_alike)
    return [
        (dataset_rules(), facts.dataset),
        (annotated_image_rules(limits, dataset.card.polarity), facts.images),
        (annotation_rules(limits, tuple(dataset.categories), facts.median_area), facts.annotations),
    ]
