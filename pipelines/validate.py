"""Stage `validate`: stop the pipeline where a dataset breaks an expectation; reports as JSON and HTML either way."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from chromseg.config import block, parse
from chromseg.dvc import folder_md5
from chromseg.files import write_json
from chromseg.project import DATA
from chromseg.validation import ValidateConfig, validate_datasets
from chromseg.validation.docs import write_reports
from pipelines.profile import Profile, run_stage, stage_arguments

VERDICTS = "verdicts.json"  # in the folder of the reports


def main() -> None:
    """Validate all datasets of the profile; exit 1 if anything critical was found."""
    profile = Profile(stage_arguments(__doc__).profile)
    config = parse(ValidateConfig, block(profile.params, "validate"), "validate")
    failed = validate(config, Path(DATA), profile.reports / "validation")
    if failed:
        sys.exit(f"{', '.join(failed)} failed validation: mend the data, or set limits under `validate.limits`")


def validate(config: ValidateConfig, data_root: Path, out: Path) -> list[str]:
    """Validate datasets together, write reports and verdicts, print every failure on one line with file and value.

    Returns:
        Names of the datasets with critical failures.
    """
    failed, verdicts = [], {}
    reports = validate_datasets([data_root / name for name in config.datasets], config.limits)
    for name, report in zip(config.datasets, reports, strict=True):
        _, page = write_reports(report, out)
        for failure in report.failures:
            print(f"{name}: {failure}")
        print(f"{name}: {report.summary}; see {page}")
        verdicts[name] = {"data_md5": folder_md5(data_root / name), "ok": report.ok}
        if not report.ok:
            failed.append(name)
    write_json(out / VERDICTS, verdicts)
    return failed


def passed(out: Path, datasets: Mapping[str, str]) -> bool | None:
    """Whether `validate` passed these datasets as they are (name → md5); None if it has not looked."""
    path = out / VERDICTS
    verdicts = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    seen = [verdicts.get(name, {}) for name in datasets]
    if any(verdict.get("data_md5") != md5 for verdict, md5 in zip(seen, datasets.values(), strict=True)):
        return None
    return all(verdict["ok"] for verdict in seen)


if __name__ == "__main__":
    run_stage(main)
