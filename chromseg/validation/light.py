"""The same verdicts as `engine.py` without Great Expectations: for single images, before every prediction.

Great Expectations takes seconds to import and 90 ms a call; this takes microseconds. A test holds the two to the
same report on good and bad images.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from chromseg.validation.report import Report, check, failure, plain, without_shadowed
from chromseg.validation.rules import Rule


def evaluate_light(name: str, rules: Sequence[Rule], rows: Sequence[Mapping[str, Any]]) -> Report:
    """Judge rows of facts.

    Args:
        name: What the report is called.
        rules: Rules; those of columns that no row has are left out.
        rows: Facts, each with `file` and perhaps `item`.

    Returns:
        The report that `engine.evaluate` would give.
    """
    checks, failures = [], []
    for rule in rules:
        if not any(rule.column in row for row in rows):
            continue
        present = [row for row in rows if not is_missing(row.get(rule.column))]
        repeated = Counter(row[rule.column] for row in present) if rule.unique else Counter()
        broken = [row for row in present if _breaks(rule, row[rule.column], repeated)]
        checks.append(check(rule, len(rows) if rule.absent else len(present), len(broken)))
        failures += [failure(rule, row["file"], row.get("item", ""), row[rule.column]) for row in broken]
    return Report(name, len(rows), tuple(checks), without_shadowed(failures))


def is_missing(value: Any) -> bool:
    """None or NaN: not measured."""
    return value is None or value != value


def _breaks(rule: Rule, value: Any, repeated: Counter[Any]) -> bool:
    if rule.absent:
        return True
    if rule.unique:
        return repeated[value] > 1
    if rule.allowed is not None:
        return plain(value) not in rule.allowed
    too_small = rule.minimum is not None and value < rule.minimum
    return too_small or (rule.maximum is not None and value > rule.maximum)
