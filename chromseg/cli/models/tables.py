"""What `chromseg-ops models` prints of a version."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from chromseg.registry.gates.measured import Measured
    from chromseg.registry.log.entries import Entry
    from chromseg.registry.versions.version import Version


def row(version: Version) -> tuple[object, ...]:
    """Its line in `models list`."""
    overall = version.metrics.get("test/overall_acc")
    return (
        version.label,
        ", ".join((*version.aliases, *_marks(version))) or None,
        version.lineage.variant,
        version.lineage.seed,
        None if overall is None else f"{overall:.3f}",
        ", ".join(version.lineage.data_md5),
        version.lineage.git_commit[:8] + (" with changes" if version.lineage.git_dirty else ""),
        version.registered_at[:10],
        version.registered_by,
    )


def event_row(event: Entry) -> tuple[object, ...]:
    """Its line in `models history`."""
    moved = event.facts.get("moved", {})
    return (
        event.at[:19] + "Z",
        event.action,
        event.version or None,
        event.alias or ", ".join(moved) or None,
        event.previous,
        event.by,
        "; ".join(filter(None, [event.reason, *_measured(event), *_weak(event), *_moves(moved)])) or None,
    )


def _moves(moved: Mapping[str, Sequence[int | None]]) -> list[str]:
    return [moved_text(alias, after) for alias, (_, after) in moved.items()]


def _weak(event: Entry) -> list[str]:
    weakened = ", ".join(event.facts.get("weakened", ()))
    return [f"under a policy with {weakened}"] if weakened else []


def _measured(event: Entry) -> list[str]:
    return [f"measured on {event.facts['data']}, {event.facts['split']}"] if event.action == "evaluate" else []


def moved_text(alias: str, after: int | None) -> str:
    """Where an alias went when its version was retired."""
    return f"version {after} is {alias} now" if after else f"nothing is {alias} now"


def _marks(version: Version) -> tuple[str, ...]:
    """What stays visible of it for ever."""
    marks = {"forced": version.forced, "weak policy": version.weakened, "retired": version.retired}
    return tuple(mark for mark, reason in marks.items() if reason)


def facts(version: Version) -> dict[str, object]:
    """Who registered it, and which files it is."""
    return {
        "model": version.label,
        "aliases": ", ".join(version.aliases),
        "registered": f"{version.registered_at[:19]}Z by {version.registered_by}",
        "forced": "; ".join(version.forced) or "never",
        **({"weak policy": "; ".join(version.weakened)} if version.weakened else {}),
        **({} if version.retired is None else {"retired": version.retired}),
        "weights sha256": version.weights_sha256,
        "MLflow run": version.run,
    }


def lineage_facts(version: Version) -> dict[str, object]:
    """Where it comes from: run, code, data, validation, machine, settings, scores."""
    from chromseg.registry.lineage.lineage import NOT_BY_DVC
    from chromseg.registry.lineage.overrides import described as overrides_described

    described: dict[str, Any] = version.lineage.to_dict()
    validation = {True: "passed", False: "failed", None: "not known"}[described.pop("validation")]
    data = {f"data md5 of {name}": md5 for name, md5 in described.pop("data_md5").items()}
    runtime = {f"runtime {name}": value for name, value in described.pop("runtime").items()}
    overrides = "; ".join(overrides_described(described.pop("overrides")))
    installed = ", ".join(f"{name} {version}" for name, version in described.pop("installed").items())
    dirty = "yes, allowed at registration" if described.pop("git_dirty") else "no"
    return (
        {name.replace("_", " "): _text(value) for name, value in described.items()}
        | {"dvc stage": described["dvc_stage"] or NOT_BY_DVC, "git dirty": dirty, "data validation": validation}
        | {"overrides": overrides or "none"}
        | data
        | runtime
        | {f"config {name}": value for name, value in sorted(version.config.items())}
        | {name: value for name, value in sorted(version.metrics.items()) if name.startswith("test/")}
        | {"installed": installed or "not recorded"}
    )


def _text(value: Any) -> str | None:
    if value is None or value == []:
        return None
    return value if isinstance(value, str) else json.dumps(value)


def warn_of(trial: Measured | None, version: Version) -> None:
    """Say on stderr that a version does not run on this machine, if its trial says so."""
    if trial is not None and trial.problem:
        typer.echo(f"{version.label} does not run here and will not be promoted: {trial.problem}", err=True)
