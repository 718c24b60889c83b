"""An S3 in this process that now and then answers 503, as the real one does when it is asked for less."""

from __future__ import annotations

import itertools
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from servers import S3_KEYS
from werkzeug.serving import make_server

from chromseg.cohort import storage

BUCKET = "cohorts"


@contextmanager
def busy_s3(every: int = 3) -> Iterator[str]:
    """Answer every so manieth request of PyArrow's with 503; gives the address of a place in a bucket."""
    moto, count = DomainDispatcherApplication(create_backend_app), itertools.count(1)

    def answer(environ: dict[str, Any], start: Any) -> Any:
        if "boto" in environ.get("HTTP_USER_AGENT", "").lower() or next(count) % every:
            return moto(environ, start)
        start("503 Slow Down", [("Content-Length", "0")])
        return [b""]

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a failure would stand below hundreds of requests
    server = make_server("127.0.0.1", 0, answer, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**S3_KEYS, "AWS_ENDPOINT_URL": address, "NO_PROXY": "127.0.0.1"}.items():
            patch.setenv(name, value)
        storage._s3.cache_clear()
        boto3.client("s3", endpoint_url=address).create_bucket(Bucket=BUCKET)
        assert os.environ["AWS_ENDPOINT_URL"] == address
        yield f"s3://{BUCKET}/cells"
    storage._s3.cache_clear()
    server.shutdown()
