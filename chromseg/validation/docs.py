"""Data docs: a report as one HTML page that needs no network, and as JSON.

Great Expectations' own pages load a dozen scripts and styles from other hosts and are bare without them.
"""

from __future__ import annotations

from pathlib import Path

from chromseg.files import write_json, write_text
from chromseg.pages import page
from chromseg.validation.report import Check, Failure, Report

_SHOWN_FAILURES = 2000


def write_reports(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write `<name>.json` and `<name>.html` into `folder`, replacing older ones.

    Returns:
        The two paths.

    Raises:
        OutputError: The folder cannot be written.
    """
    path = folder / f"{report.name}.json"
    write_json(path, report.to_json())
    return path, write_data_docs(report, folder)


def write_data_docs(report: Report, folder: Path) -> Path:
    """Write the page `<name>.html` into `folder`; returns its path.

    Raises:
        OutputError: The folder cannot be written.
    """
    path = folder / f"{report.name}.html"
    write_text(path, render(report))
    return path


def render(report: Report) -> str:
    """The report as a page that stands alone: verdict, failures with file and value, all rules."""
    kind, verdict = _verdict(report)
    return page(
        "report",
        title=f"Validation of {report.name}",
        report=report,
        kind=kind,
        verdict=verdict,
        failures=[(each.severity, _failure(each)) for each in report.failures[:_SHOWN_FAILURES]],
        n_more=max(0, len(report.failures) - _SHOWN_FAILURES),
        checks=[(each.severity if each.n_failed else "ok", _check(each)) for each in report.checks],
    )


def _verdict(report: Report) -> tuple[str, str]:
    """Its colour and its words."""
    if not report.ok:
        return "critical", "failed"
    return ("warning", "passed with warnings") if report.warnings else ("ok", "passed")


def _failure(failure: Failure) -> tuple[object, ...]:
    where = f"{failure.file}, {failure.item}" if failure.item else failure.file
    explained = f"{failure.meaning}; {failure.remedy}"
    return failure.rule, where, failure.column, failure.value, failure.expected, explained


def _check(check: Check) -> tuple[object, ...]:
    return check.rule, check.column, check.expected, check.n_checked, check.n_failed
