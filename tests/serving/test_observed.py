"""What stands around every route: log lines, counts, headers, HEAD, ETag, gzip, CORS; and a log that is JSON alone."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from serving_app import client, png

from chromseg.serving.keys import new_key

VIEWER = "https://viewer.example"


def refusals(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    records = [record for record in caplog.records if record.getMessage() in ("refused", "failed")]
    return [record.facts for record in records]  # type: ignore[attr-defined]


def test_every_refusal_is_one_line_without_names(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    (key, line), (other_key, other_line) = new_key("lab"), new_key("other")
    keys = tmp_path / "keys"
    keys.write_text(f"{line}\n{other_line}", encoding="utf-8")
    own = {"x-api-key": key}
    blank = {"image": ("patient-12.png", png(np.zeros((64, 64), np.uint8)))}
    with client(api_keys=str(keys), rate=0.02, max_body=20_000) as server, caplog.at_level(logging.INFO):
        server.get("/v1/model")
        server.get("/v1/model", headers={"host": "evil.example"})
        server.get("/v1/patient-12", headers=own)
        server.post("/v1/segment", content=bytes(30_000), headers={"x-api-key": other_key})
        server.post("/v1/segment", files=blank, headers=own)
        server.post("/v1/segment", files=blank, headers=own)
        text = server.get("/metrics", headers=own).text
    lines = refusals(caplog)
    assert [(one["status"], one["kind"]) for one in lines] == [
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "not-found"),
        (413, "too-large"),
        (422, "refused"),
        (429, "rate-limited"),
    ]
    assert lines[4]["rules"] == ["not-blank"] and lines[4]["client"] == "lab"
    assert "patient" not in json.dumps(lines)
    for status in (401, 403, 404, 413, 422, 429):
        assert f'status="{status}"}} 1.0' in text


def test_head_is_get_without_a_body() -> None:
    with client() as server:
        for path in ("/v1/settings", "/livez", "/openapi.json", "/"):
            answer, full = server.head(path), server.get(path)
            assert (answer.status_code, answer.content) == (200, b"")
            assert answer.headers["content-type"] == full.headers["content-type"]
        assert server.head("/v1/segment").status_code == 405


def test_who_has_it_already_is_not_sent_it_again() -> None:
    with client() as server:
        for path in ("/v1/settings", "/v1/rules", "/v1/model/card", "/openapi.json"):
            tag = server.get(path).headers["etag"]
            again = server.get(path, headers={"if-none-match": f'"other", {tag}'})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            assert server.get(path, headers={"if-none-match": '"other"'}).status_code == 200
        assert "etag" not in server.get("/v1/settings?x", headers={"host": "evil.example"}).headers


def test_text_is_compressed_for_those_who_can_read_it_and_pictures_are_not() -> None:
    with client() as server:
        packed = server.post("/v1/segment", content=png(), headers={"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip" and len(packed.json()["annotations"]) == 4
        plain = server.post("/v1/segment", content=png(), headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        overlay = server.post("/v1/segment", content=png(), params={"format": "overlay"})
        assert "content-encoding" not in overlay.headers


def test_an_allowed_page_can_read_why_it_was_refused() -> None:
    with client(allow_origins=(VIEWER,), rate=0.02) as server:
        answers = [server.post("/v1/segment", content=b"x", headers={"origin": VIEWER}) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [422, 429]
        for answer in answers:
            assert answer.headers["access-control-allow-origin"] == VIEWER
            assert answer.headers["x-frame-options"] == "DENY"


def test_what_libtiff_writes_becomes_a_line_of_the_log(tmp_path: Path) -> None:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (200, 200), dtype=np.uint8)
    Image.fromarray(noise).save(stream, "TIFF", compression="tiff_lzw")
    broken = np.frombuffer(stream.getvalue(), np.uint8).copy()
    broken[1000:3000:7] ^= 255
    (tmp_path / "broken.tif").write_bytes(broken.tobytes())
    code = (
        "import contextlib, sys, time\n"
        "from PIL import Image\n"
        "from chromseg.serving.logs import start_logging, stderr_of_libraries, tell\n"
        "start_logging()\n"
        "with stderr_of_libraries():\n"
        "    with contextlib.suppress(OSError):\n"
        "        Image.open(sys.argv[1]).load()\n"
        "    tell('after')\n"
        "    time.sleep(0.3)\n"
        "print('plain again', file=sys.stderr)\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "broken.tif")]
    answer = subprocess.run(words, capture_output=True, text=True, check=True)
    *lines, last = answer.stderr.splitlines()
    events = {json.loads(line)["event"]: json.loads(line) for line in lines}
    assert events.keys() == {"stderr", "after"} and "code" in events["stderr"]["text"]
    assert last == "plain again"
