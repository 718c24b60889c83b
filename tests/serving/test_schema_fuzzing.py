"""schemathesis sends what OpenAPI allows and what it does not: all answers are as described, none a server error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from serving_app import running_server


@pytest.mark.slow
def test_every_answer_is_described_and_none_a_server_error(tmp_path: Path) -> None:
    with running_server(corrections=str(tmp_path / "kept"), rate=0, timeout=120) as url:
        paths = json.loads(urlopen(f"{url}/openapi.json").read())["paths"]
        operations = sum(len(methods) for methods in paths.values())
        answer = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                "run",
                f"{url}/openapi.json",
                "--checks=not_a_server_error,status_code_conformance,content_type_conformance",
                "--max-examples=8",
                "--seed=1",
                "--workers=1",
                "--no-color",
                "--request-timeout=120",
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-2000:]
    assert f"Tested: {operations}" in answer.stdout
    assert "API Links:" in answer.stdout, "jobs are asked about by the ids that they were given"
