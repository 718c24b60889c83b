"""Stage `karyogram`: the network of `karyotype` judged, by itself and with the assignment of whole cells.

The price of a further place and the sureness below which a placement is marked are chosen by validation cases; test
cases are judged with those that the code has. Chromosomes count that are cut correctly: outlines that an annotator
drew, boxes that hold one chromosome and nothing else, and, in some pictures, what a model that cuts has cut right.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from chromseg.config import block, parse, variant_config
from chromseg.errors import InputRefusedError
from chromseg.evaluation.cut_cells import cut_cell
from chromseg.evaluation.karyotypes import Answered, answer, figures, judge_cell, metrics_of, share_at
from chromseg.files import replacing, write_json
from chromseg.inference.karyotyping import karyotyper_from_folder
from chromseg.inference.load import predictor_from_folder
from chromseg.karyogram.karyogram import SURE
from chromseg.karyogram.places import PRICE
from chromseg.metrics.catalogue import TEST
from chromseg.registry.log.beginning import init_store
from chromseg.registry.store.restore import restore_run
from chromseg.training.cells import NamedCell, named_cell
from pipelines.profile import Profile, run_stage, stage_arguments
from pipelines.selection import Part, held_out, stains
from pipelines.unseen import refuse_known

REPORT = "karyogram.json"


@dataclass(frozen=True)
class KaryogramConfig:
    """The block `karyogram` of a params file.

    Attributes:
        cut_by: Folder of a model that cuts chromosomes.
        cut: How many test pictures of each dataset it cuts.
        prices: Tried on validation cases.
        sure: Likewise, with the price that the code has.
    """

    cut_by: str
    cut: int
    prices: tuple[float, ...]
    sure: tuple[float, ...]


def main() -> None:
    """Judge a variant, and write what it scores."""
    arguments = stage_arguments(__doc__, variant=True)
    profile = Profile(arguments.profile)
    config = parse(KaryogramConfig, block(profile.params, "karyogram"), "karyogram")
    cases = partial(held_out, profile, variant_config(profile.params, arguments.variant, "karyotype"))
    model = profile.model(arguments.variant, arguments.seed)
    refuse_known(model, cases("test").entries())
    karyotyper = karyotyper_from_folder(model)

    def answers(cells: Iterator[tuple[str, NamedCell]]) -> dict[str, list[Answered]]:
        found: dict[str, list[Answered]] = {name: [] for name in profile.evaluate.datasets}
        for case, cell in cells:
            found[case.split("/")[0]].append(answer(karyotyper.network, cell, case, karyotyper.device))
        return found

    test = answers(annotated(cases("test")))
    judged = {name: scored(cells) for name, cells in test.items()}
    report = {
        "price": PRICE,
        "sure": SURE,
        "val": {name: studied(cells, config) for name, cells in answers(annotated(cases("val"))).items()},
        "test": judged,
        "test_cut_by_model": {name: scored(cells) for name, cells in answers(cut(cases("test"), config)).items()},
    }
    scores = summarized(test, judged, stains(profile))
    with replacing(profile.scores(arguments.variant, arguments.seed)) as root:
        root.mkdir(parents=True)
        write_json(root / REPORT, report)
        write_json(root / "metrics.json", scores)
    init_store()
    restore_run(model / "run.json").log_metrics(scores["metrics"] | scores["slices"])
    print(f"{arguments.variant}-{arguments.seed}: {scores['metrics']} {scores['slices']}", file=sys.stderr)


def summarized(
    cells: Mapping[str, list[Answered]], each: Mapping[str, Mapping[str, Any]], stain_of: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Metrics of all test cells together, their intervals, and the slices of each stain."""
    together = scored([cell for own in cells.values() for cell in own])
    slices = {
        f"{TEST}slice/stain/{stain_of[name]}/{key.removeprefix(TEST)}": value
        for name, found in each.items()
        for key, value in metrics_of(found).items()
    }
    intervals = {f"{TEST}class_acc": together["placed_interval"], f"{TEST}class_acc_alone": together["alone_interval"]}
    return {"metrics": metrics_of(together), "intervals": intervals, "slices": slices}


def annotated(part: Part) -> Iterator[tuple[str, NamedCell]]:
    """Case and chromosomes of each picture, as annotators outlined or boxed them."""
    for sample in part.samples():
        yield sample.case_id, named_cell(sample)


def cut(part: Part, config: KaryogramConfig) -> Iterator[tuple[str, NamedCell]]:
    """Case and chromosomes of some pictures, as a model cuts them; those that it refuses are left out."""
    predictor = predictor_from_folder(Path(config.cut_by))
    refuse_known(Path(config.cut_by), part.entries())
    for sample in part.some(config.cut):
        try:
            yield sample.case_id, cut_cell(predictor, sample)
        except InputRefusedError as error:
            print(f"{sample.name}: {error}", file=sys.stderr)


def studied(cells: list[Answered], config: KaryogramConfig) -> dict[str, Any]:
    """Shares named right at several prices, and what marking finds at several limits of sureness."""
    usual = [judge_cell(cell, PRICE) for cell in cells]
    marks = ("marked", "wrong_that_are_marked", "right_that_are_marked")
    limits = {f"{sure:g}": figures(usual, sure) for sure in config.sure}
    return {
        "usual": figures(usual),
        "placed_by_price": {f"{price:g}": share_at(cells, price) for price in config.prices},
        "marked_by_sureness": {sure: {mark: found[mark] for mark in marks} for sure, found in limits.items()},
    }


def scored(cells: list[Answered]) -> dict[str, Any]:
    """What cells score with the price that the code has."""
    return figures([judge_cell(cell, PRICE) for cell in cells])


if __name__ == "__main__":
    run_stage(main)
