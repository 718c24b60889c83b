"""The weights of the cascade's rule, fitted to validation cases: which explanation of a quarrel is right?

    python -m benchmarks.fit_cascade --detector FOLDER [--maps bundled/chromseg] [--profile stains]
                                     [--most 20] [--out reports/cascade_rule.json]

For every group of competing masks (docs/cascade.md) each explanation has a quality: twice the chromosomes it gets right
over those it names and those there are, averaged over IoU 0.50:0.05:0.95. The weights maximise the expected quality
when explanations are chosen with the probabilities that the rule gives them, one vote a true chromosome; a pull towards
the weights in the code keeps those that few groups speak to. The pictures are the validation metaphases of a profile
whose samples are prepared at the width at which the networks look; test cases are never looked at.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

from chromseg import load_predictor
from chromseg.annotations import Sample
from chromseg.dvc import folder_md5
from chromseg.evaluation.judging import as_coarse_as
from chromseg.files import write_json
from chromseg.inference.cascade import CascadePredictor
from chromseg.inference.choice import Debate, Group
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.map_predictor import MapPredictor
from chromseg.metrics import mask_ious
from chromseg.metrics.detection import COCO_THRESHOLDS
from chromseg.metrics.splicing import assign
from chromseg.models.cascade import EVIDENCE, TODAY, CascadeRule
from chromseg.models.device import usable_device
from chromseg.project import dataset_folder
from chromseg.registry.lineage.gather import git_state, hardware
from pipelines.profile import Profile
from pipelines.selection import Part

NAMES = ("partition", "detector", "partition with the detector's seams")
_PULL = 0.002  # strength of the pull, in votes a group


class JudgedGroup(NamedTuple):
    """One group: evidence float (explanations, 5), quality float (explanations,), number of true chromosomes."""

    evidence: Any
    quality: Any
    votes: int


def main() -> None:
    arguments = parse_arguments()
    profile, cascade = Profile(arguments.profile), together(arguments.maps, arguments.detector)
    samples = Part(profile.prepared, ("val",), ("metaphase",), profile.evaluate.datasets).some(arguments.most)
    cases = [case for sample in samples for case in cases_of(cascade, sample)]
    rule = fit(cases, cascade.rule)
    figures = {
        "rule": vars(rule),
        "groups": len(cases),
        "disputed": sum(is_disputed(case) for case in cases),
        "quality": qualities(cases, cascade.rule, rule),
        "split": "val",
        "data_md5": {name: folder_md5(dataset_folder(name)) for name in profile.evaluate.datasets},
        "weights_sha256": {"maps": cascade.maps.card.weights_sha256, "detector": cascade.detector.card.weights_sha256},
        "git_commit": git_state()[0],
        "hardware": hardware(),
    }
    write_json(arguments.out, figures)
    print({name: figures[name] for name in ("rule", "groups", "disputed", "quality")})


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maps", default="bundled/chromseg")
    parser.add_argument("--detector", required=True)
    parser.add_argument("--profile", default="stains")
    parser.add_argument("--most", type=int, default=20, help="pictures of each of its datasets")
    parser.add_argument("--out", type=Path, default=Path("reports/cascade_rule.json"))
    return parser.parse_args()


def together(maps: str, detector: str) -> CascadePredictor:
    """A cascade in memory, of two models given by folder or name."""
    by_maps, by_detector = (load_predictor(model, device=usable_device()) for model in (maps, detector))
    assert isinstance(by_maps, MapPredictor) and isinstance(by_detector, InstancePredictor)
    return CascadePredictor(by_maps.card, by_maps.identity, maps=by_maps, detector=by_detector, rule=TODAY)


def cases_of(cascade: CascadePredictor, sample: Sample) -> list[JudgedGroup]:
    """All groups of one image with what they would have got right."""
    _, picture, answer, _ = cascade.heard(sample.image)
    debate = cascade.explanations(picture, answer)
    truth = as_coarse_as(debate.chromosome.shape, sample).masks
    return [case_of(debate, group, truth, cascade.rule) for group in debate.groups(cascade.rule)]


def case_of(debate: Debate, group: Group, truth: Any, rule: CascadeRule) -> JudgedGroup:
    """One group: the true chromosomes it is about are those of which a mask of it covers a good part."""
    sets = [debate.masks_of(k, group) for k in range(len(debate.explanations))]
    inside = truth[:, *group.window]
    own = np.concatenate(sets)
    areas = np.minimum(own.sum(axis=(1, 2))[:, None], truth.sum(axis=(1, 2))[None])
    common = np.einsum("phw,thw->pt", own.astype(np.float32), inside.astype(np.float32))
    meant = np.flatnonzero((common >= rule.related * np.maximum(areas, 1)).any(axis=0))
    return JudgedGroup(
        group.evidence, np.array([quality(masks, inside[meant], truth[meant]) for masks in sets]), len(meant)
    )


def quality(masks: Any, inside: Any, whole: Any) -> float:
    """Twice the right ones over the named and the true ones, mean over COCO's thresholds; 1 if there are neither."""
    if not len(masks) and not len(whole):
        return 1.0
    if not len(masks) or not len(whole):
        return 0.0
    lost = whole.sum(axis=(1, 2)) - inside.sum(axis=(1, 2))  # pixels of the truth beyond the window
    ious = mask_ious(masks, inside)
    unions = masks.sum(axis=(1, 2))[:, None] + inside.sum(axis=(1, 2))[None]
    common = ious * unions / (1 + ious)
    _, found = assign(common / (unions - common + lost[None]))
    return float((2 * (found[:, None] >= COCO_THRESHOLDS).sum(axis=0) / (len(masks) + len(whole))).mean())


def is_disputed(case: JudgedGroup) -> bool:
    """Whether it matters what is chosen."""
    return bool(np.ptp(case.quality) > 0.05)


def fit(cases: list[JudgedGroup], start: CascadeRule) -> CascadeRule:
    """The weights that maximise the expected quality."""
    first = np.array([getattr(start, name) for name in EVIDENCE])
    disputed = [case for case in cases if is_disputed(case)]

    def loss(weights: Any) -> float:
        expected = sum(max(case.votes, 1) * float(chances(case, weights) @ case.quality) for case in disputed)
        return -expected / max(len(disputed), 1) + _PULL * float(np.square(weights - first).sum())

    found = minimize(loss, first, method="L-BFGS-B", bounds=[(0.0, 20.0)] * len(first)).x
    return replace(start, **{name: round(float(weight), 2) for name, weight in zip(EVIDENCE, found, strict=True)})


def chances(case: JudgedGroup, weights: Any) -> Any:
    """As `Group.probabilities`."""
    logits = case.evidence @ weights
    odds = np.exp(logits - logits.max())
    return odds / odds.sum()


def qualities(cases: list[JudgedGroup], before: CascadeRule, after: CascadeRule) -> dict[str, dict[str, float]]:
    """Mean quality of each way to choose, over all groups and over those where it matters."""
    ways = {name: [case.quality[k] for case in cases] for k, name in enumerate(NAMES)}
    for name, rule in (("rule in the code", before), ("fitted rule", after)):
        weights = np.array([getattr(rule, each) for each in EVIDENCE])
        ways[name] = [case.quality[int((case.evidence @ weights).argmax())] for case in cases]
    ways["best of the three, were it known"] = [case.quality.max() for case in cases]
    votes = np.array([max(case.votes, 1) for case in cases])
    disputed = np.array([is_disputed(case) for case in cases])
    return {
        name: {
            "all": round(float(np.average(values, weights=votes)), 4),
            "disputed": round(float(np.average(np.array(values)[disputed], weights=votes[disputed])), 4),
        }
        for name, values in ways.items()
        if disputed.any()
    }


if __name__ == "__main__":
    main()
