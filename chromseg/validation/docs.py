"""Data docs: a report as one HTML page that needs no network, and as JSON.

Great Expectations' own pages load a dozen scripts and styles from other hosts and are bare without them.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

from chromseg.files import write_json, write_text
from chromseg.validation.report import Check, Failure, Report

_SHOWN_FAILURES = 2000
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1d2733; max-width: 1200px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #dde3ea }
th { background: #f3f6f9 } td { overflow-wrap: anywhere } .number { text-align: right }
.verdict { display: inline-block; padding: .3rem .8rem; border-radius: .4rem; color: white; font-weight: 600 }
.ok { background: #1a7f4b } .warning { background: #b06f00 } .critical { background: #b3261e }
td .mark { padding: .05rem .45rem; border-radius: .3rem; color: white; font-size: .85em }
"""


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
    """The report as a self-contained HTML page: verdict, failures with file and value, all rules."""
    title = f"Validation of {escape(report.name)}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f"<style>{_STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n{_verdict(report)}\n"
        f"{_failures(report.failures)}\n{_checks(report.checks)}\n</body></html>\n"
    )


def _verdict(report: Report) -> str:
    kind, word = ("ok", "passed") if report.ok else ("critical", "failed")
    if report.ok and report.warnings:
        kind, word = "warning", "passed with warnings"
    return (
        f'<p><span class="verdict {kind}">{word}</span></p>\n<p>{report.n_checked} rows of facts judged by '
        f"{len(report.checks)} rules: {len(report.critical)} critical, {len(report.warnings)} warnings.</p>"
    )


def _failures(failures: tuple[Failure, ...]) -> str:
    if not failures:
        return "<h2>Failures</h2>\n<p>None.</p>"
    rows = [
        (_mark(f.severity), f.rule, _where(f), f.column, f.value, f.expected, f"{f.meaning}; {f.remedy}")
        for f in failures[:_SHOWN_FAILURES]
    ]
    more = len(failures) - len(rows)
    rest = f"<p>{more} more are in the JSON file.</p>" if more > 0 else ""
    head = ("", "Rule", "File", "Column", "Value", "Expected", "What it means, what to do")
    return f"<h2>Failures</h2>\n{_table(head, rows)}\n{rest}"


def _checks(checks: tuple[Check, ...]) -> str:
    rows = [
        (_mark(c.severity if c.n_failed else "ok"), c.rule, c.column, c.expected, c.n_checked, c.n_failed)
        for c in checks
    ]
    head = ("", "Rule", "Column", "Expected", "Values checked", "Failed")
    return f"<h2>All rules</h2>\n{_table(head, rows)}"


class _Html(str):
    """Text that is HTML already."""


def _mark(severity: str) -> _Html:
    return _Html(f'<span class="mark {severity}">{severity}</span>')


def _where(failure: Failure) -> str:
    return f"{failure.file}, {failure.item}" if failure.item else failure.file


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = ["<table>", "<tr>" + "".join(f"<th>{name}</th>" for name in head) + "</tr>"]
    lines += ["<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows]
    return "\n".join([*lines, "</table>"])


def _cell(value: object) -> str:
    if isinstance(value, _Html):
        return f"<td>{value}</td>"
    kind = ' class="number"' if isinstance(value, int | float) else ""
    return f"<td{kind}>{escape(str(value))}</td>"
