"""`chromseg-ops serve`: the HTTP API and the web page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chromseg import DEFAULT_MODEL, KARYOTYPE_MODEL
from chromseg.cli.predict import ModelOption


def serve(
    model: ModelOption = DEFAULT_MODEL,
    also: Annotated[
        list[str] | None, typer.Option(metavar="MODEL", help="Another model that a client may choose; up to three.")
    ] = None,
    karyotype: Annotated[
        str, typer.Option(metavar="MODEL", help="The model of the family `karyotype` that names chromosomes.")
    ] = KARYOTYPE_MODEL,
    host: Annotated[str, typer.Option(help="Address to listen on; the default is this machine alone.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Server processes, each with a model of its own.")] = 1,
    device: Annotated[str, typer.Option(help="Where the network runs: cpu, cuda, cuda:1 …")] = "cpu",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads of a worker's network; 0 shares the cores.")] = 0,
    splicers: Annotated[int, typer.Option(min=0, max=64, help="Processes for stage 2 in each worker; 0: threads.")] = 2,
    max_batch: Annotated[int, typer.Option(min=1, help="Pictures of one size that share a pass.")] = 8,
    queue: Annotated[int, typer.Option(min=1, help="Requests in work and waiting; more are answered 503.")] = 64,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that a request may take.")] = 60.0,
    upload_timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that its body may take.")] = 20.0,
    connections: Annotated[int, typer.Option(min=1, help="Connections of a worker open at a time.")] = 1000,
    poll: Annotated[float, typer.Option(min=0, help="Seconds between two looks at the registry; 0: never.")] = 0.5,
    max_body: Annotated[float, typer.Option(min=0.001, help="MiB of a request.")] = 64.0,
    max_pixels: Annotated[float, typer.Option(min=0.001, help="Megapixels of a file.")] = 16.0,
    rate: Annotated[float, typer.Option(min=0, help="Requests a second from one client; 0: no limit.")] = 100.0,
    api_keys: Annotated[Path | None, typer.Option(help="File of hashed API keys; see --new-key.")] = None,
    allow_anonymous: Annotated[bool, typer.Option(help="Listen to other machines without keys.")] = False,
    allow_host: Annotated[list[str] | None, typer.Option(help="Name under which the server is called.")] = None,
    allow_origin: Annotated[list[str] | None, typer.Option(help="Web page elsewhere that may call it.")] = None,
    behind_proxy: Annotated[bool, typer.Option(help="A reverse proxy on this machine tells client addresses.")] = False,
    corrections: Annotated[Path | None, typer.Option(help="Keep corrections, with their pictures, in here.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Jobs that a worker keeps; of one client half as many.")] = 64,
    keep_jobs: Annotated[float, typer.Option(min=0.1, help="Seconds that a job is kept after its end.")] = 1800.0,
    keep_names: Annotated[bool, typer.Option(help="Write clients' file names into logs and results.")] = False,
    new_key: Annotated[str | None, typer.Option(metavar="NAME", help="Print a new key and its line, and end.")] = None,
) -> None:
    """Serve the HTTP API and the web page until Ctrl-C or SIGTERM.

    POST /v1/segment takes an image; /openapi.json has the rest. When the model's alias moves, the new version is loaded
    and takes over without a pause. No image is kept unless --corrections says where.
    """
    if new_key is not None:
        _print_key(new_key)
        return
    from chromseg.serving.preflight import check_exposure
    from chromseg.serving.run import serve
    from chromseg.serving.settings import ServeSettings

    settings = ServeSettings(
        model=model,
        also=tuple(also or ()),
        karyotype=karyotype,
        host=host,
        port=port,
        workers=workers,
        device=device,
        threads=threads,
        splicers=splicers,
        max_batch=max_batch,
        queue=queue,
        timeout=timeout,
        upload_timeout=upload_timeout,
        connections=connections,
        poll=poll,
        max_body=round(max_body * 2**20),
        max_pixels=round(max_pixels * 1e6),
        rate=rate,
        api_keys=None if api_keys is None else str(api_keys),
        allow_hosts=tuple(allow_host or ()),
        allow_origins=tuple(allow_origin or ()),
        behind_proxy=behind_proxy,
        corrections=None if corrections is None else str(corrections),
        keep_names=keep_names,
        jobs=jobs,
        keep_jobs=keep_jobs,
    )
    check_exposure(settings, allow_anonymous)
    serve(settings, lambda url: typer.echo(f"ChromSeg-Ops on {url} (Ctrl-C ends it)", err=True))


def _print_key(name: str) -> None:
    from chromseg.serving.keys import new_key

    key, line = new_key(name)
    typer.echo(f"key, shown only now: {key}", err=True)
    typer.echo(line)
