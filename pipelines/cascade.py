"""Put a registered network of maps and a registered UCRD-Net together, judge the cascade, and track it as a run.

    python -m pipelines.cascade --profile bioimlab [--maps models:/chromseg@champion] [--detector models:/ucrd-net/1]
    chromseg-ops models register profiles/bioimlab/models/cascade-0 --name cascade
    chromseg-ops models evaluate cascade/1 --data bioimlab

Its parents come out of the registry, pinned by version, so it is no stage. All that is trained are its verifier and its
corrector, on training metaphases of the profile as the cascade cuts them; or it takes over those of another cascade
(`--taught-by`), of the one before, say, where a parent was only trained further. DVC has no record of it, and scores
that a registered cascade can show are those that `models evaluate` measures.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from chromseg.annotations.index import KINDS
from chromseg.annotations.seen import Seen, refuse_seen
from chromseg.config import parse
from chromseg.evaluation.scores import rounded, write_scores
from chromseg.evaluation.settling import settle_cascade
from chromseg.inference.load import predictor_from_folder
from chromseg.models.cascade import TODAY, CascadeRule
from chromseg.models.device import usable_device
from chromseg.models.package import read_card
from chromseg.project import DEFAULT, checkpoints
from chromseg.registry.log.beginning import init_store
from chromseg.registry.store.runs import start_run
from chromseg.registry.versions.cascade import (
    NAME,
    SEED,
    Parents,
    add_taught,
    build_cascade,
    lineage_of_cascade,
    params_of,
    resolve_parent,
    seen_by_parents,
    taught_networks,
)
from chromseg.training.tracker import JsonTracker
from pipelines.evaluate import judge
from pipelines.profile import Profile, run_stage
from pipelines.selection import Part, corrections, judging_samples, stains
from pipelines.teaching import lessons, teach
from pipelines.unseen import pictures_of

_LESSONS = 200
_ENOUGH = 40  # validation metaphases of each dataset by which its sureness is fitted


def main() -> None:
    """Build, judge, and leave a model folder that can be registered."""
    arguments = parse_arguments()
    profile, rule = Profile(arguments.profile), read_rule(arguments.rule)
    parents = Parents(
        resolve_parent(arguments.maps),
        resolve_parent(arguments.detector),
        {stain: resolve_parent(expert) for stain, expert in arguments.expert},
        None if arguments.taught_by is None else resolve_parent(arguments.taught_by),
    )
    taught = taught_networks(parents)
    tested = pictures_of(tests(profile).entries())
    own = stains(profile)
    lesson = lessons(profile, own, 0 if taught else arguments.lessons)
    seen = seen_by_parents(parents, tested).with_parents(Seen.of(pictures_of(lesson)))
    refuse_seen(tested, seen, NAME)
    origin = lineage_of_cascade(
        parents,
        tested=profile.evaluate.datasets,
        corrected_by=corrections(profile, tests(profile)),
        profile=profile.name,
    )
    folder, lineage = profile.model(NAME, SEED), replace(origin, seen_sha256=seen.sha256())
    init_store()
    with start_run(lineage) as run:
        lineage = replace(lineage, run_id=run.run_id)
        build_cascade(folder, parents, rule, lineage, seen)
        if lesson:
            taught = teach(folder, profile.prepared, lesson, own, kept(profile, folder))
        if taught:
            add_taught(folder, *taught)
        chosen = settle_cascade(folder, metaphases(profile).some(_ENOUGH), own, usable_device())
        for tracker in (run, JsonTracker(folder / "run.json", tags=lineage.tags())):
            tracker.log_params(params_of(parents, rule) | chosen)
        predictor = predictor_from_folder(folder, device=usable_device())
        judged = judge(profile, predictor, *(judging_samples(profile, tests(profile, kind)) for kind in KINDS))
        run.log_metrics(judged.metrics | judged.slices)
        write_scores(profile.scores(NAME, SEED), judged)
    print(f"{folder} of {' and '.join(parents.pins)}: {rounded(judged.metrics)}", file=sys.stderr)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default=DEFAULT, help="whose test cases; default is the project's own pipeline")
    parser.add_argument("--maps", default="models:/chromseg@champion", help="registered network of maps")
    parser.add_argument("--detector", default="models:/ucrd-net@champion", help="registered UCRD-Net")
    parser.add_argument(
        "--expert",
        type=_expert,
        action="append",
        default=[],
        metavar="STAIN=MODEL",
        help="registered network of maps for pictures of one stain; may be given again",
    )
    parser.add_argument(
        "--lessons",
        type=int,
        default=_LESSONS,
        metavar="N",
        help=f"training metaphases of each stain that teach its own networks; default {_LESSONS}, 0 for none of them",
    )
    parser.add_argument(
        "--taught-by",
        metavar="MODEL",
        help="registered cascade whose verifier and corrector it takes, instead of lessons",
    )
    parser.add_argument("--rule", type=Path, help="JSON of benchmarks/fit_cascade.py; default is the rule in the code")
    return parser.parse_args()


def _expert(value: str) -> tuple[str, str]:
    stain, equals, model = value.partition("=")
    if not (stain and equals and model):
        raise argparse.ArgumentTypeError(f"{value!r} is not STAIN=MODEL, such as q-band=models:/chromseg-q-band/1")
    return stain, model


def read_rule(path: Path | None) -> CascadeRule:
    """The rule in the block `rule` of a JSON file, or the default."""
    if path is None:
        return TODAY
    return parse(CascadeRule, json.loads(path.read_text(encoding="utf-8"))["rule"], "rule")


def kept(profile: Profile, folder: Path) -> Path:
    """Where the outlines lie meanwhile that are to teach the networks of the cascade in `folder`.

    Not only its networks decide which these are: its rule says which detections it listens to.
    """
    card = read_card(folder)
    settings = [card.weights_sha256, asdict(card.architecture), card.lineage["data_md5"]]
    digest = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:8]
    return checkpoints(profile.name) / f"{NAME}-{SEED}-{digest}"


def metaphases(profile: Profile) -> Part:
    """The validation metaphases, by which its sureness is fitted."""
    return Part(profile.prepared, ("val",), ("metaphase",), profile.evaluate.datasets)


def tests(profile: Profile, *kinds: str) -> Part:
    """The test samples, of some kinds or of all."""
    return Part(profile.prepared, ("test",), kinds or KINDS, profile.evaluate.datasets)


if __name__ == "__main__":
    run_stage(main)
