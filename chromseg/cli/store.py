"""`chromseg-ops init` and `ui`: the store itself."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from chromseg.cli.options import AsJson
from chromseg.cli.printing import print_facts, print_json


def init(
    with_bundled: Annotated[bool, typer.Option("--with-bundled", help="Register the bundled models.")] = False,
    as_json: AsJson = False,
) -> None:
    """Create or upgrade the MLflow store; check DVC, disk and device.

    May be run any number of times. With --with-bundled the bundled models become version 1, champion, of their name.
    """
    from chromseg.registry.log.beginning import init_store
    from chromseg.registry.store.health import check_machine
    from chromseg.registry.transfer.bundled import register_bundled

    machine = check_machine()  # first: a store is made whole or not at all
    state = init_store()
    facts: dict[str, Any] = {"store": state.uri, "state": state.action, **machine}
    models: list[dict[str, Any]] = [
        {"name": version.name, "version": version.number, "new": new, "aliases": list(version.aliases)}
        for version, new in (register_bundled() if with_bundled else [])
    ]
    if as_json:
        print_json({**facts, "models": models})
        return
    print_facts(facts)
    for model in models:
        done = "registered" if model["new"] else "registered before"
        typer.echo(f"{model['name']}/{model['version']} {done} ({', '.join(model['aliases']) or 'no alias'})")


def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 5000,
) -> None:
    """Open MLflow's web page on the project's store; only this machine can reach it. Ctrl-C ends it."""
    from chromseg.registry.store.ui import serve_ui

    serve_ui(port, lambda address: typer.echo(f"MLflow on {address} (Ctrl-C ends it)", err=True))
