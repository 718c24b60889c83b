import csv
import io

import pytest

from chromseg.metrics import ablation_csv, ablation_markdown, ablation_rows, summarize
from chromseg.metrics.catalogue import HEADINGS

RUNS = [
    {"variant": "unet", "seed": 1, "metrics": {"test/iou_crossing": 0.70, "test/sp_acc": None, "perf/ms": 100.0}},
    {"variant": "rg-unet++", "seed": 0, "metrics": {"test/iou_crossing": 0.80, "test/sp_acc": 0.9, "perf/ms": 40.0}},
    {"variant": "unet", "seed": 0, "metrics": {"test/iou_crossing": 0.74, "test/sp_acc": 0.5, "perf/ms": 102.0}},
    {"variant": "rules", "seed": 0, "metrics": {"test/iou_crossing": 0.5}},
]
KEYS = ("test/iou_crossing", "test/sp_acc", "perf/ms")


def test_rows_by_hand():
    unet, ours, rules = ablation_rows(RUNS, KEYS)
    assert (unet.variant, unet.seeds) == ("unet", (0, 1))
    crossing = unet.cells["test/iou_crossing"]
    assert (crossing.mean, crossing.n, crossing.difference) == (pytest.approx(0.72), 2, None)
    assert crossing.sd == pytest.approx((2 * 0.02**2) ** 0.5)
    assert (unet.cells["test/sp_acc"].mean, unet.cells["test/sp_acc"].sd, unet.cells["test/sp_acc"].n) == (0.5, None, 1)
    assert ours.cells["test/sp_acc"].difference == pytest.approx(0.4)
    assert (rules.cells["test/sp_acc"].mean, rules.cells["test/sp_acc"].n) == (None, 0)


def test_differences_are_paired_by_seed():
    runs = [
        *({"variant": "base", "seed": seed, "metrics": {"test/map": 0.1 * seed}} for seed in range(4)),
        *(
            {"variant": "more", "seed": seed, "metrics": {"test/map": 0.1 * seed + step}}
            for seed, step in enumerate((0.01, 0.03, 0.02))
        ),
    ]
    _, more = ablation_rows(runs, ["test/map"])
    cell = more.cells["test/map"]
    assert cell.difference == pytest.approx(0.02)  # not that of the means: the baseline has a fourth seed
    assert cell.half_width == pytest.approx(
        4.303 * 0.01 / 3**0.5, rel=1e-3
    )  # t of two degrees of freedom; seeds differ by ten times as much
    assert "± 0.025)" in ablation_markdown([more], {"test/map": "mAP"})
    alone = ablation_rows([runs[0], runs[5]], ["test/map"])[1].cells["test/map"]
    assert alone.half_width is None and alone.difference == pytest.approx(0.13)


def test_without_a_defined_baseline_there_is_no_difference():
    rows = ablation_rows([RUNS[3], RUNS[1]], KEYS)
    assert rows[1].cells["test/sp_acc"].difference is None
    assert rows[1].cells["test/iou_crossing"].difference == pytest.approx(0.3)


def test_markdown():
    headings = {"test/iou_crossing": "IoU crossing", "test/sp_acc": "SPAcc", "perf/ms": "ms"}
    assert ablation_markdown(ablation_rows(RUNS, KEYS), headings).splitlines() == [
        "| variant | seeds | IoU crossing | SPAcc | ms |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| unet | 2 | 0.720 ± 0.028 | 0.500 | 101.0 ± 1.4 |",
        "| rg-unet++ | 1 | 0.800 (+0.060) | 0.900 (+0.400) | 40.0 (-62.0) |",
        "| rules | 1 | 0.500 (-0.240) | – | – |",
    ]


def test_csv_can_be_read_back():
    rows = list(csv.DictReader(io.StringIO(ablation_csv(ablation_rows(RUNS, KEYS)))))
    assert [row["variant"] for row in rows] == ["unet", "rg-unet++", "rules"]
    assert rows[0]["seeds"] == "0 1"
    assert float(rows[1]["perf/ms_difference"]) == -62
    assert rows[2]["test/sp_acc"] == "" and rows[2]["test/sp_acc_n"] == "0"


def test_no_runs():
    assert ablation_rows([], KEYS) == []
    assert ablation_csv([]) == "variant,seeds\n"
    assert ablation_markdown([], {}) == "| variant | seeds |\n| --- | ---: |\n"


def test_a_table_shows_mask_and_box_ap_and_only_what_is_measured():
    assert {f"test/{kind}_{name}" for kind in ("mask", "box") for name in ("map", "ap50", "ap75")} <= set(HEADINGS)
    assert {key for key in HEADINGS if key.startswith("test/")} <= set(summarize([]))
