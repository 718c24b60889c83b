"""Reports, data docs, result warnings, copies, and the stage."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from drawn_dataset import bars, clean_draft, draw
from test_dataset_rules import PLANTS

from chromseg.annotations.copies import find_look_alikes, thumbnail
from chromseg.errors import OutputError
from chromseg.validation import Report, ResultLimits, ValidateConfig, check_result, result_facts, validate_dataset
from chromseg.validation.docs import write_data_docs, write_reports
from chromseg.validation.rules import result_rules
from pipelines.validate import main, validate


@pytest.fixture
def spoilt(tmp_path: Path) -> Path:
    """A dataset with one warning and one critical failure, below tmp_path/data."""
    draft = clean_draft()
    PLANTS["no-copy-in-other-split"](draft)
    PLANTS["box-inside"](draft)
    return draft.write(tmp_path / "data" / "drawn")


@dataclass
class Found:
    mask: np.ndarray
    flags: tuple[str, ...] = ()


def found(*sides: tuple[int, int], flags: tuple[str, ...] = ()) -> list[Found]:
    """Boxes of given (height, width) side by side in 50×200."""
    masks, left = [], 0
    for height, width in sides:
        mask = np.zeros((50, 200), dtype=bool)
        mask[:height, left : left + width] = True
        left += width
        masks.append(Found(mask, flags))
    return masks


def test_report_counts_and_json(spoilt: Path) -> None:
    report = validate_dataset(spoilt, light=True)
    assert not report.ok
    assert [f.rule for f in report.critical] == ["no-copy-in-other-split"]
    assert [f.rule for f in report.warnings] == ["box-inside"]
    assert report.summary == "failed, 1 critical, 1 warnings in 21 rows of facts"
    value = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert (value["name"], value["ok"], value["n_critical"], value["n_warnings"]) == ("drawn", False, 1, 1)
    assert value["failures"][0] == {
        "rule": "no-copy-in-other-split",
        "file": "4.png",
        "item": "",
        "column": "copy_in_other_split",
        "value": "1.png (train, case case1)",
        "expected": "none",
        "severity": "critical",
        "meaning": "the same picture is in two splits",
        "remedy": "keep one of the two; import corrections without --split, which then take over case and split",
    }


def test_data_docs_are_one_page_that_needs_no_network(spoilt: Path, tmp_path: Path) -> None:
    report = validate_dataset(spoilt, light=True)
    json_path, page = write_reports(report, tmp_path / "reports")
    assert json.loads(json_path.read_text())["n_critical"] == 1
    text = page.read_text()
    assert page == tmp_path / "reports" / "drawn.html"
    assert not re.search(r"(src|href)=|https?://|<script", text)
    for words in ("failed", "4.png", "1.png (train, case case1)", "1.png, annotation 10", "box_outside_px"):
        assert words in text
    assert all(check.rule in text for check in report.checks)
    assert text.count("<table>") == text.count("</table>") == 2


def test_data_docs_escape_what_files_are_called(spoilt: Path, tmp_path: Path) -> None:
    report = validate_dataset(spoilt, light=True)
    bad = Report("<b>x", 1, (), tuple(report.failures))
    assert "<b>x" not in write_data_docs(bad, tmp_path / "pages").read_text()


def test_unwritable_folder_is_an_error_of_one_line(spoilt: Path, tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    with pytest.raises(OutputError, match="reports"):
        write_reports(validate_dataset(spoilt, light=True), tmp_path / "reports")


def test_a_good_result_has_no_warning() -> None:
    instances = found((20, 10), (22, 10), (18, 10))
    chromosome = np.any([i.mask for i in instances], axis=0)
    report = check_result(instances, chromosome, 200.0)
    assert report.failures == ()
    assert len(report.checks) == 7


@pytest.mark.parametrize(
    ("rule", "instances", "extra"),
    [
        ("count-plausible", [], 0),
        ("count-plausible", found(*[(20, 3)] * 61), 0),
        ("few-for-review", found((20, 3), (20, 3), flags=("needs-review",)), 0),
        ("scale-plausible", found((20, 9), (20, 9)), 0),
        ("areas-plausible", found((20, 3), (20, 3), (1, 2)), 0),
        ("chromosomes-covered", found((20, 3), (20, 3)), 40),
    ],
)
def test_odd_results_are_warnings(rule: str, instances: list[Found], extra: int) -> None:
    chromosome = np.zeros((50, 200), dtype=np.float32)
    for one in instances:
        chromosome[one.mask] = 0.9
    chromosome[40, 100 : 100 + extra] = 0.9
    report = check_result(instances, chromosome, 60.0)
    assert [failure.rule for failure in report.failures] == [rule]
    assert report.ok


def test_what_no_instance_has_is_told() -> None:
    report = check_result(found((20, 3)), None, 60.0, unclaimed=1)
    assert [failure.rule for failure in report.warnings] == ["nothing-unclaimed"]
    assert check_result(found((20, 3)), None, 60.0, unclaimed=0).failures == ()


@pytest.mark.parametrize("count", [20, 92, 138, 200])
def test_any_number_that_a_metaphase_can_have_is_a_result(count: int) -> None:
    assert check_result(found(*[(20, 3)] * count), None, 60.0).ok


def test_hundreds_are_refused() -> None:
    report = check_result(found(*[(20, 3)] * 201), None, 60.0)
    assert [failure.rule for failure in report.critical] == ["count-possible"]


def test_every_other_result_rule_is_a_warning() -> None:
    def critical(strict: bool) -> set[str]:
        rules = result_rules(ResultLimits(), 100.0, "dapi", strict=strict)
        return {rule.name for rule in rules if rule.severity != "warning"}

    assert critical(False) == {"count-possible"}
    assert critical(True) == {"count-possible", "familiar"}


def test_result_facts_by_hand() -> None:
    instances = found((10, 10), (10, 20), (1, 5), flags=("needs-review",))
    chromosome = np.zeros((50, 200))
    chromosome[:10, :50] = 1
    facts = result_facts(instances, chromosome, 100.0)
    assert facts == {
        "n_instances": 3,
        "review_share": 1.0,
        "median_area_px": 100.0,
        "odd_share": pytest.approx(1 / 3),
        "coverage": pytest.approx(305 / 500),
        "n_unclaimed": None,
        "strangeness": None,
    }
    assert result_facts(instances, chromosome, 100.0, ("dapi", 1.2))["strangeness"] == 1.2
    assert result_facts(instances, chromosome, 100.0, unclaimed=2)["n_unclaimed"] == 2
    assert set(result_facts([], None, None).values()) == {0, None}


def test_copies_are_found_when_saved_anew() -> None:
    first, other = draw(bars(1), 1), draw(bars(2), 2)
    brighter = (first * 0.7 + 20).astype(np.uint8)
    flat = np.full_like(first, 9)
    looks = [thumbnail(picture) for picture in (first, other, flat, brighter, first[::2, ::2])]
    assert looks[2] is None
    assert find_look_alikes(looks, 0.97) == [(0, 3), (0, 4), (3, 4)]
    assert find_look_alikes([None, looks[0]], 0.5) == []


def test_stage_stops_on_critical_failures_and_leaves_reports(
    spoilt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "params.yaml").write_text("validate:\n  datasets: [drawn]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["validate"])
    with pytest.raises(SystemExit, match="drawn failed validation"):
        main()
    printed = capsys.readouterr().out
    assert "drawn: critical: 4.png: copy_in_other_split is 1.png (train, case case1)" in printed
    assert "drawn: warning: 1.png, annotation 10: box_outside_px is 1" in printed
    written = {path.name for path in Path("reports/default/validation").iterdir()}
    assert written == {"drawn.json", "drawn.html", "verdicts.json"}


def test_stage_goes_on_after_warnings(tmp_path: Path) -> None:
    draft = clean_draft()
    PLANTS["box-inside"](draft)
    draft.write(tmp_path / "drawn")
    config = ValidateConfig(datasets=("drawn",))
    assert validate(config, tmp_path, tmp_path / "reports") == []
    strict = ValidateConfig(datasets=("drawn",), limits=config.limits.__class__(box_tolerance=0.0))
    assert validate(strict, tmp_path, tmp_path / "reports") == ["drawn"]
