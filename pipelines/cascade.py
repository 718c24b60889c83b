"""Put a registered network of maps and a registered UCRD-Net together, judge the cascade, and track it as a run.

    python -m pipelines.cascade --profile bioimlab [--maps models:/chromseg@champion] [--detector models:/ucrd-net/1]
    chromseg-ops models register profiles/bioimlab/models/cascade-0 --name cascade
    chromseg-ops models evaluate cascade/1 --data bioimlab

Nothing is trained, so it is no stage: its parents come out of the registry, pinned by version. DVC has no record of it
therefore, and scores that a registered cascade can show are those that `models evaluate` measures.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from chromseg.annotations.index import KINDS
from chromseg.annotations.seen import Seen, refuse_seen
from chromseg.config import parse
from chromseg.evaluation.measuring import judge_samples
from chromseg.inference.load import predictor_from_folder
from chromseg.models.cascade import CascadeRule
from chromseg.models.package import read_card
from chromseg.project import DEFAULT
from chromseg.registry.lineage.gather import gather_lineage
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.log.beginning import init_store
from chromseg.registry.store.runs import RunTracker, start_run
from chromseg.registry.versions.cascade import NAME, build_cascade, data_of, pinned, resolve_parent, seen_by_parents
from chromseg.registry.versions.resolve import Resolved
from chromseg.training.tracker import JsonTracker
from pipelines.evaluate import no_test_samples, write_scores
from pipelines.profile import Profile, best_device, run_stage
from pipelines.selection import Part, corrections, stains
from pipelines.unseen import pictures_of

SEED = 0  # nothing is left to chance


def main() -> None:
    """Build, judge, and leave a model folder that can be registered."""
    arguments = parse_arguments()
    profile = Profile(arguments.profile)
    maps, detector = resolve_parent(arguments.maps), resolve_parent(arguments.detector)
    rule = read_rule(arguments.rule)
    tested = pictures_of(tests(profile).entries())
    seen = seen_by_parents(maps, detector, tested)
    refuse_seen(tested, seen, NAME)
    lineage = replace(origin(profile, maps, detector), seen_sha256=seen.sha256())
    init_store()
    with start_run(lineage) as run:
        folder = build(profile, maps, detector, rule, replace(lineage, run_id=run.run_id), run, seen)
        metrics = judge(profile, folder, run)
    shown = {key: round(value, 4) for key, value in metrics.items() if value is not None}
    print(f"{folder} of {' and '.join(pinned(maps, detector))}: {shown}", file=sys.stderr)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default=DEFAULT, help="whose test cases; default is the project's own pipeline")
    parser.add_argument("--maps", default="models:/chromseg@champion", help="registered network of maps")
    parser.add_argument("--detector", default="models:/ucrd-net@champion", help="registered UCRD-Net")
    parser.add_argument("--rule", type=Path, help="JSON of benchmarks/fit_cascade.py; default is the rule in the code")
    return parser.parse_args()


def read_rule(path: Path | None) -> CascadeRule:
    """The rule in the block `rule` of a JSON file, or the default."""
    if path is None:
        return CascadeRule()
    return parse(CascadeRule, json.loads(path.read_text(encoding="utf-8"))["rule"], "rule")


def origin(profile: Profile, maps: Resolved, detector: Resolved) -> Lineage:
    """The lineage: this commit and machine, the data of both parents and of the test, and the parents themselves."""
    cards = read_card(maps.folder), read_card(detector.folder)
    lineage = gather_lineage(
        experiment=NAME,
        variant=NAME,
        seed=SEED,
        datasets=(),
        tested=profile.evaluate.datasets,
        corrected_by=corrections(profile, tests(profile)),
        profile=profile.name,
        ablation=" and ".join(card.name for card in cards),
    )
    valid = all(bool(card.lineage.get("validation")) for card in cards)
    md5 = lineage.data_md5 | data_of(*cards)
    return replace(lineage, data_md5=md5, validation=valid, parents=pinned(maps, detector))


def build(
    profile: Profile,
    maps: Resolved,
    detector: Resolved,
    rule: CascadeRule,
    lineage: Lineage,
    run: RunTracker,
    seen: Seen,
) -> Path:
    """Write the model folder with its `run.json`."""
    folder = profile.model(NAME, SEED)
    params = {f"rule.{name}": value for name, value in asdict(rule).items()}
    params |= dict(zip(("maps", "detector"), pinned(maps, detector), strict=True))
    build_cascade(folder, maps, detector, rule, lineage, seen)
    for tracker in (run, JsonTracker(folder / "run.json", tags=lineage.tags())):
        tracker.log_params(params)
    return folder


def judge(profile: Profile, folder: Path, run: RunTracker) -> dict[str, float | None]:
    """Score the cascade on the test cases; the scores go into its run and the reports."""
    predictor = predictor_from_folder(folder, device=best_device())
    cutouts, metaphases = (tests(profile, kind).samples() for kind in KINDS)
    judged = judge_samples(predictor, cutouts, metaphases, stains(profile))
    if judged is None:
        raise no_test_samples(profile)
    run.log_metrics(judged.metrics | judged.slices)
    write_scores(profile.scores(NAME, SEED), judged)
    return judged.metrics


def tests(profile: Profile, *kinds: str) -> Part:
    """The test samples, of some kinds or of all."""
    return Part(profile.prepared, ("test",), kinds or KINDS, profile.evaluate.datasets)


if __name__ == "__main__":
    run_stage(main)
