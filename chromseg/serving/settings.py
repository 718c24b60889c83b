"""What an operator may set; made by the command line, handed to worker processes as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from chromseg import DEFAULT_MODEL, KARYOTYPE_MODEL

ExportFormat: TypeAlias = Literal["coco", "zip", "overlay", "ome-tiff", "contact-sheet"]
Format: TypeAlias = Literal["json", ExportFormat]
FORMATS: tuple[Format, ...] = get_args(Format)
KaryogramFormat: TypeAlias = Literal["json", "png", "pdf"]
INCLUDES = ("picture", "outlines", "crops", "crossings")
EXPECTED_COUNT = 46  # chromosomes of a human metaphase


@dataclass(frozen=True)
class ServeSettings:
    """Settings of one server; the defaults are safe on a lab's machine.

    Attributes:
        model: Registered model or folder.
        also: Others that a client may choose instead.
        karyotype: The one that names chromosomes, loaded for the first karyogram.
        host: Address to listen on.
        port: 0 takes a free one.
        workers: Server processes.
        device: Where the network runs, in PyTorch's words.
        threads: CPU threads of the network in each worker; 0 shares the cores among the workers.
        splicers: Processes for stage 2 in each worker; 0 does it in threads of the worker.
        max_batch: Pictures of one size that go through the network together.
        queue: Requests in work and waiting; more are answered 503.
        timeout: Seconds that one request may take.
        upload_timeout: Seconds that its body may take.
        header_timeout: Seconds after which a new connection must have sent the head of a request.
        connections: Open at a time; fewer where the process may not open as many descriptors.
        grace: Seconds after SIGTERM during which requests already on their way still arrive.
        poll: Seconds between two looks at the registered model; 0 never looks again.
        max_body: Bytes of a request.
        max_pixels: Of all pages of a file together, and of a page at the model's scale.
        rate: Requests a second that one client may send, twice as many at once; 0 is no limit.
        api_keys: File of hashed keys; None asks for no key.
        allow_hosts: Names besides localhost and addresses under which the server is called.
        allow_origins: Web pages elsewhere that may call it.
        behind_proxy: A reverse proxy on this machine gives the client's address.
        corrections: Folder for corrections; None keeps none.
        keep_names: Write clients' file names into logs and results.
        jobs: Kept at a time, by one client half of them.
        keep_jobs: Seconds that a job is kept after its end, or after its client last asked for one that goes on.
        shared: Private folder of all workers, through which they ask each other for jobs; None where there is one.
    """

    model: str = DEFAULT_MODEL
    also: tuple[str, ...] = ()
    karyotype: str = KARYOTYPE_MODEL
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    device: str = "cpu"
    threads: int = 0
    splicers: int = 2
    max_batch: int = 8
    queue: int = 64
    timeout: float = 60.0
    upload_timeout: float = 20.0
    header_timeout: float = 10.0
    connections: int = 1000
    grace: float = 0.5
    poll: float = 0.5
    max_body: int = 64 * 2**20
    max_pixels: int = 16_000_000
    rate: float = 100.0
    api_keys: str | None = None
    allow_hosts: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    behind_proxy: bool = False
    corrections: str | None = None
    keep_names: bool = False
    jobs: int = 64
    keep_jobs: float = 1800.0
    shared: str | None = None
