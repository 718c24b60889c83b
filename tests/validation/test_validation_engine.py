"""Great Expectations and the light evaluator give one verdict; only `engine.py` knows the former."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from drawn_dataset import clean_draft
from input_corpus import BAD, GOOD
from test_dataset_rules import PLANTS

from chromseg.validation import Rule, image_facts, unreadable_facts, validate_dataset, validate_inputs
from chromseg.validation.engine import evaluate
from chromseg.validation.inputs import check_facts
from chromseg.validation.light import evaluate_light

RULES = (
    Rule("bounded", "x", "out of bounds", "mend it", minimum=0, maximum=3),
    Rule("bounded-softly", "x", "a little much", "look", severity="warning", maximum=2),
    Rule("positive", "y", "too small", "mend it", minimum=0),
    Rule("known", "kind", "unknown", "mend it", allowed=("a", "b")),
    Rule("numbered", "depth", "unusual", "mend it", allowed=(8, 16)),
    Rule("empty", "problem", "something is wrong", "mend it", absent=True),
    Rule("own", "id", "taken", "renumber", unique=True),
    Rule("never-there", "nothing", "not measured", "mend it", maximum=0),
)
ROWS = [
    {"file": "1", "x": 1.0, "y": None, "kind": "a", "depth": 8, "problem": None, "id": 1},
    {"file": "2", "x": 2.5, "y": np.float32(-1), "kind": "c", "depth": None, "problem": None, "id": 2},
    {"file": "3", "item": "part", "x": 7.0, "y": 1.5, "kind": None, "depth": 12, "problem": "torn", "id": 2},
    {"file": "4", "x": None, "y": float("nan"), "kind": "b", "depth": 16, "problem": None, "id": np.int64(1)},
    {"file": "5", "x": 0.0, "y": 0.0, "kind": "b", "depth": 16, "problem": None, "id": None},
]


def test_each_kind_of_rule() -> None:
    report = evaluate("rows", RULES, ROWS)
    assert [(f.rule, f.file, f.item, f.value) for f in report.failures] == [
        ("bounded", "3", "part", 7),
        ("bounded-softly", "2", "", 2.5),  # the warning on 7 is in the critical one's shadow
        ("positive", "2", "", -1),
        ("known", "2", "", "c"),
        ("numbered", "3", "part", 12),
        ("empty", "3", "part", "torn"),
        ("own", "1", "", 1),
        ("own", "2", "", 2),
        ("own", "3", "part", 2),
        ("own", "4", "", 1),
    ]
    assert [(c.rule, c.n_checked, c.n_failed) for c in report.checks] == [
        ("bounded", 4, 1),
        ("bounded-softly", 4, 2),
        ("positive", 3, 1),
        ("known", 4, 1),
        ("numbered", 4, 1),
        ("empty", 5, 1),
        ("own", 4, 4),
    ]
    assert evaluate_light("rows", RULES, ROWS) == report


def test_nothing_to_check() -> None:
    assert evaluate("none", RULES, []) == evaluate_light("none", RULES, [])
    all_missing = [{"file": "1", "x": None, "kind": None, "problem": None, "id": None}]
    report = evaluate("missing", RULES, all_missing)
    assert report == evaluate_light("missing", RULES, all_missing)
    assert report.ok


def test_agreement_on_good_and_bad_images() -> None:
    pages = {f"good/{name}": make for name, make in GOOD.items()}
    pages |= {f"bad/{rule}/{number}": make for rule, makes in BAD.items() for number, make in enumerate(makes)}
    rows = [unreadable_facts("bad/readable/0", "truncated")]
    rows += [
        {"file": name} | image_facts(page.grey, page.rgb, page.bit_depth)
        for name, page in ((name, make()) for name, make in pages.items())
    ]
    whole = validate_inputs(rows, "corpus")
    assert whole == check_facts(rows, "corpus")
    assert {failure.file.split("/")[1] for failure in whole.failures} == BAD.keys() | {"readable"}
    for row in rows:  # one at a time as in a folder
        assert check_facts([row], row["file"]).failures == whole.of(row["file"]).failures


def test_agreement_on_a_spoilt_dataset(tmp_path: Path) -> None:
    draft = clean_draft()
    for rule in ("not-blank", "label-known", "case-in-one-split", "annotation-id-unique"):
        PLANTS[rule](draft)
    root = draft.write(tmp_path / "drawn")
    report = validate_dataset(root)
    assert report == validate_dataset(root, light=True)
    assert {"not-blank", "label-known", "case-in-one-split"} <= {failure.rule for failure in report.failures}


@pytest.mark.slow
@pytest.mark.parametrize("rule", PLANTS)
def test_agreement_on_every_planted_defect(rule: str, tmp_path: Path) -> None:
    draft = clean_draft()
    PLANTS[rule](draft)
    root = draft.write(tmp_path / "drawn")
    assert validate_dataset(root) == validate_dataset(root, light=True)


def test_an_expectation_that_cannot_be_evaluated_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="bounded"):
        evaluate("broken", RULES[:1], [{"file": "1", "x": "text"}])


@pytest.mark.slow
def test_nothing_is_printed_sent_or_written(tmp_path: Path) -> None:
    code = (
        "from chromseg.validation import unreadable_facts, validate_inputs\n"
        "assert not validate_inputs([unreadable_facts('a.png', 'torn')], 'one').ok"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not list(tmp_path.iterdir())


def test_only_the_engine_imports_great_expectations() -> None:
    users = [path for path in Path("chromseg").rglob("*.py") if "import great_expectations" in path.read_text()]
    assert users == [Path("chromseg/validation/engine.py")]
