"""Validation of annotated datasets: facts measured, rules built, Great Expectations run on each table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from chromseg.annotations.dataset import Dataset, read_dataset
from chromseg.errors import DataError
from chromseg.validation.dataset_facts import DatasetFacts, dataset_facts, unusable_dataset
from chromseg.validation.facts import Facts
from chromseg.validation.grouping import add_group_facts
from chromseg.validation.light import evaluate_light
from chromseg.validation.limits import DatasetLimits
from chromseg.validation.report import Report, combine
from chromseg.validation.rules import Rule, annotated_image_rules, annotation_rules, dataset_rules

RuledTable: TypeAlias = tuple[Sequence[Rule], Sequence[Facts]]


def validate_dataset(root: Path, limits: DatasetLimits = DatasetLimits(), *, light: bool = False) -> Report:  # noqa: B008
    """Validate the dataset at `root` by itself, pixels included; otherwise as `validate_datasets`."""
    return validate_datasets([root], limits, light=light)[0]


def validate_datasets(
    roots: Sequence[Path],
    limits: DatasetLimits = DatasetLimits(),  # noqa: B008 — frozen
    *,
    light: bool = False,
) -> list[Report]:
    """Validate datasets that are used together, pixels included: a case or a metaphase lies in one split of them all.

    Args:
        roots: Folders with `dataset.yaml`, `annotations.json` and `images/`, in the order of use: where two outline
            one picture, the later one is right.
        limits: What is allowed.
        light: Judge without Great Expectations: the same reports, some seconds sooner.

    Returns:
        A report each, named like the folder. A set whose card or annotations cannot be used gives a report with that
        one failure; images that cannot be read are failures too. Of two images in conflict, the later one fails.

    Raises:
        DataError: There is no such folder.
    """
    measured = [_measured(root) for root in roots]
    images = [row for _, facts in measured for row in facts.images]
    add_group_facts(images, [look for _, facts in measured for look in facts.looks], limits.look_alike)
    return [_judged(root.name, _tables(*each, limits), light=light) for root, each in zip(roots, measured, strict=True)]


def _measured(root: Path) -> tuple[Dataset | None, DatasetFacts]:
    """The dataset, if it can be used at all, and its facts."""
    if not root.is_dir():
        raise DataError(
            f"no dataset {root}",
            expected="the folder of an imported dataset",
            remedy="check the name, or run `chromseg-ops data import`",
        )
    try:
        dataset = read_dataset(root)
    except DataError as error:
        return None, unusable_dataset(root.name, error)
    return dataset, dataset_facts(dataset)


def _tables(dataset: Dataset | None, facts: DatasetFacts, limits: DatasetLimits) -> list[RuledTable]:
    """Rules with the table of facts that they judge."""
    if dataset is None:
        return [(dataset_rules(), facts.dataset)]
    return [
        (dataset_rules(), facts.dataset),
        (annotated_image_rules(limits, dataset.card.polarity), facts.images),
        (annotation_rules(limits, tuple(dataset.categories), facts.median_area), facts.annotations),
    ]


def _judged(name: str, tables: Sequence[RuledTable], *, light: bool) -> Report:
    if light:
        return combine(name, [evaluate_light(name, rules, rows) for rules, rows in tables])

    from chromseg.validation.engine import evaluate  # imports Great Expectations, which takes seconds

    return combine(name, [evaluate(name, rules, rows) for rules, rows in tables])
