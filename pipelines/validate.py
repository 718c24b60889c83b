"""Stage `validate`: stop the pipeline where a dataset breaks an expectation; reports as JSON and HTML either way."""

from __future__ import annotations

import sys
from pathlib import Path

from chromseg.config import block, parse
from chromseg.validation import ValidateConfig, validate_dataset, write_reports
from pipelines.profile import Profile, run_stage, stage_arguments


def main() -> None:
    """Validate all datasets of the profile; exit 1 if anything critical was found."""
    profile = Profile(stage_arguments(__doc__).profile)
    config = parse(ValidateConfig, block(profile.params, "validate"), "validate")
    failed = validate(config, Path("data"), profile.reports / "validation")
    if failed:
        sys.exit(f"{', '.join(failed)} failed validation: mend the data, or set limits under `validate.limits`")


def validate(config: ValidateConfig, data_root: Path, out: Path) -> list[str]:
    """Validate datasets, write their reports, print every failure on one line with file, column and value.

    Returns:
        Names of the datasets with critical failures.
    """
    failed = []
    for name in config.datasets:
        report = validate_dataset(data_root / name, config.limits)
        _, page = write_reports(report, out)
        for failure in report.failures:
            print(f"{name}: {failure}")
        print(f"{name}: {report.summary}; see {page}")
        if not report.ok:
            failed.append(name)
    return failed


if __name__ == "__main__":
    run_stage(main)
