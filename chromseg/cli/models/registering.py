"""`chromseg-ops models register`, `evaluate` and `rebuild`: a trained model in, measured, and trained again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chromseg.cli.models.options import ModelReference
from chromseg.cli.models.tables import warn_of
from chromseg.cli.options import DEVICES, AsJson, Device, choice
from chromseg.cli.printing import print_facts, print_json, print_progress, print_table

_STAGES = "pipelines"  # the package of a project's stages


def register(
    folder: Annotated[Path, typer.Argument(help="Model folder with model.safetensors and model.json.")],
    name: Annotated[str, typer.Option(help="Registered model that gets the version.")] = "chromseg",
    allow_dirty: Annotated[
        bool, typer.Option("--allow-dirty", help="Take a model whose code was not committed; recorded.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Register a trained model as the next version; refused without complete lineage."""
    from chromseg.registry.gates.trials import try_out
    from chromseg.registry.versions.register import register as take

    version, new = take(folder, name, allow_dirty=allow_dirty)
    trial = try_out(version)
    if as_json:
        print_json({**version.to_dict(), "new": new})
    else:
        typer.echo(f"{version.label} " + ("registered" if new else "is these files already"))
    warn_of(trial, version)


def evaluate(
    model: ModelReference,
    data: Annotated[str, typer.Option(metavar="NAME", help="Dataset below data/ to measure it on.")],
    split: Annotated[str, typer.Option(help="Whose cases; gates look at those of test alone.")] = "test",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure a registered version on a dataset and enter its scores into the audit log, which the gates believe."""
    from chromseg.registry.versions.measurement import evaluate as measure

    choice(device, DEVICES, "--device")
    entry = measure(model, data, split=split, device=device)
    if as_json:
        print_json(entry.to_dict())
        return
    scores: dict[str, object] = {key: f"{value:.4g}" for key, value in sorted(entry.facts["metrics"].items())}
    print_facts({"model": f"{entry.model}/{entry.version}", "data": f"{data}, {split}"} | scores)


def rebuild(
    model: ModelReference,
    tolerance: Annotated[
        float, typer.Option(min=0, help="How far test metrics may be apart on another machine or a GPU.")
    ] = 0.02,
    as_json: AsJson = False,
) -> None:
    """Train a version again from its commit, data and seed, and compare; exit 1 if something else comes out."""
    from chromseg.registry import rebuild_version

    made = rebuild_version(model, package=_STAGES, tolerance=tolerance, tell=print_progress)
    if as_json:
        print_json(made.to_dict())
    elif made.same_weights:
        typer.echo(f"{made.model} came out bit by bit: weights {made.weights_sha256}")
    else:
        typer.echo(f"{made.model} came out with other weights, {made.weights_sha256}")
        print_table(("metric", "then", "now"), [(key, *figures) for key, figures in made.metrics.items()])
    if not made.passed:
        wanted = "the same weights" if made.exact else f"metrics within {made.tolerance:g}"
        typer.echo(f"expected {wanted}", err=True)
        raise typer.Exit(1)
