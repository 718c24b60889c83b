"""Stage `prepare`: which datasets become samples."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml
from tiny_boxes import write_boxes

from chromseg.annotations import read_samples
from pipelines import prepare


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [([], ["first", "second"]), (["--datasets", "second"], ["second"])],
)
def test_all_datasets_or_only_some(
    arguments: list[str], expected: list[str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "params.yaml").write_text(yaml.safe_dump({"prepare": {"datasets": ["first", "second"]}}))
    for name in expected:
        write_boxes(project / "data", name)
    monkeypatch.setattr(sys, "argv", ["prepare", *arguments])
    prepare.main()
    cases = [sample.case_id.partition("/")[0] for sample in read_samples(project / "prepared")]
    assert list(dict.fromkeys(cases)) == expected
