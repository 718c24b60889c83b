"""What a validation found: checks, failures, and whether to go on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from chromseg.errors import InputRefusedError
from chromseg.validation.rules import Rule, Severity


@dataclass(frozen=True)
class Failure:
    """One value that broke one rule.

    Attributes:
        rule: Name of the rule.
        file: The file it was found in.
        item: Which part of the file, such as "annotation 12"; empty for the whole.
        column: The fact.
        value: What it is.
        expected: What it should be.
        severity: "critical" or "warning".
        meaning: What that means, for a lab technician.
        remedy: What to do.
    """

    rule: str
    file: str
    item: str
    column: str
    value: Any
    expected: str
    severity: Severity
    meaning: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}, {self.item}" if self.item else self.file
        return (
            f"{self.severity}: {where}: {self.column} is {self.value}, expected {self.expected} "
            f"— {self.meaning}; {self.remedy} [{self.rule}]"
        )


@dataclass(frozen=True)
class Check:
    """One rule over one table: how many values it saw, and how many broke it."""

    rule: str
    column: str
    expected: str
    severity: Severity
    n_checked: int
    n_failed: int


@dataclass(frozen=True)
class Report:
    """The outcome of one validation.

    Attributes:
        name: Of the dataset, image or folder.
        n_checked: Rows (images, annotations, …) that were judged.
        checks: All rules, in order.
        failures: What broke them, by rule, then in the table's order. Where a warning and a critical rule judge the
            same value, only the critical one is here.
    """

    name: str
    n_checked: int
    checks: tuple[Check, ...]
    failures: tuple[Failure, ...]

    @property
    def ok(self) -> bool:
        """Whether to go on: nothing critical (there may be warnings)."""
        return not self.critical

    @property
    def critical(self) -> tuple[Failure, ...]:
        """What stops the pipeline or refuses the image."""
        return tuple(failure for failure in self.failures if failure.severity == "critical")

    @property
    def warnings(self) -> tuple[Failure, ...]:
        """What is reported and does not stop anything."""
        return tuple(failure for failure in self.failures if failure.severity == "warning")

    @property
    def summary(self) -> str:
        """One line: "passed, 0 critical, 2 warnings in 5347 rows of facts"."""
        verdict = "passed" if self.ok else "failed"
        counts = f"{len(self.critical)} critical, {len(self.warnings)} warnings"
        return f"{verdict}, {counts} in {self.n_checked} rows of facts"

    def of(self, file: str) -> Report:
        """The part that concerns one file; its checks are not counted anew."""
        return Report(file, 1, (), tuple(failure for failure in self.failures if failure.file == file))

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`."""
        return {
            "name": self.name,
            "ok": self.ok,
            "n_checked": self.n_checked,
            "n_critical": len(self.critical),
            "n_warnings": len(self.warnings),
            "failures": [asdict(failure) for failure in self.failures],
            "checks": [asdict(check) for check in self.checks],
        }

    def raise_refused(self) -> None:
        """Refuse an image that broke a critical rule.

        Raises:
            InputRefusedError: With every reason and the remedy of each.
        """
        if self.ok:
            return
        reasons = "; ".join(f"{f.meaning} ({f.column} {f.value}, rule {f.rule})" for f in self.critical)
        expected = "; ".join(f"{f.column} {f.expected}" for f in self.critical)
        remedies = "; ".join(dict.fromkeys(failure.remedy for failure in self.critical))
        raise InputRefusedError(f"{self.name}: {reasons}", expected=expected, remedy=remedies)


def failure(rule: Rule, file: str, item: str, value: Any) -> Failure:
    """`rule` broken by `value`, found in `item` of `file`."""
    return Failure(
        rule.name, file, item, rule.column, plain(value), rule.expected, rule.severity, rule.meaning, rule.remedy
    )


def check(rule: Rule, n_checked: int, n_failed: int) -> Check:
    """How `rule` fared."""
    return Check(rule.name, rule.column, rule.expected, rule.severity, n_checked, n_failed)


def combine(name: str, reports: Iterable[Report]) -> Report:
    """Several tables' reports as one."""
    found = list(reports)
    return Report(
        name,
        sum(report.n_checked for report in found),
        tuple(check for report in found for check in report.checks),
        tuple(failure for report in found for failure in report.failures),
    )


def without_shadowed(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    """Leave out warnings on values that a critical rule on the same column has caught too."""
    found = list(failures)
    caught = {(f.file, f.item, f.column) for f in found if f.severity == "critical"}
    return tuple(f for f in found if f.severity == "critical" or (f.file, f.item, f.column) not in caught)


def plain(value: Any) -> Any:
    """A value of a table as JSON has it: no NumPy scalars, whole floats as int, others with 6 digits."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return int(value) if value.is_integer() else float(f"{value:.6g}")
    return value
