"""Who may come in: hosts, origins, keys, rates; and what every answer carries."""

from __future__ import annotations

from pathlib import Path

import pytest
from serving_app import client, png

from chromseg.errors import ConfigError
from chromseg.serving.guard import RateLimit
from chromseg.serving.keys import new_key, read_keys
from chromseg.serving.observed import CONTENT_POLICY
from chromseg.serving.preflight import check_exposure
from chromseg.serving.problems import ProblemError
from chromseg.serving.settings import ServeSettings


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("localhost", 200),
        ("[::1]:8000", 200),
        ("10.1.2.3", 200),
        ("lab.example:8000", 200),
        ("evil.example", 403),  # a name that an attacker lets resolve to 127.0.0.1
        ("", 403),
        ("[", 403),
    ],
)
def test_hosts(host: str, status: int) -> None:
    with client(allow_hosts=("lab.example",)) as server:
        assert server.get("/v1/settings", headers={"host": host}).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://127.0.0.1"}, 200),
        ({"origin": "https://viewer.example"}, 200),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://[bad"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 200),
    ],
)
def test_origins(headers: dict[str, str], status: int) -> None:
    with client(allow_origins=("https://viewer.example",)) as server:
        answer = server.post("/v1/segment", content=png(), headers=headers)
        assert (answer.status_code, answer.headers["x-frame-options"]) == (status, "DENY")


def test_an_allowed_origin_may_read_the_answer() -> None:
    with client(allow_origins=("https://viewer.example",)) as server:
        asking = {"origin": "https://viewer.example", "access-control-request-method": "POST"}
        assert server.options("/v1/segment", headers=asking).status_code == 200
        answer = server.get("/v1/settings", headers={"origin": "https://viewer.example"})
    assert answer.headers["access-control-allow-origin"] == "https://viewer.example"


def test_keys(tmp_path: Path) -> None:
    key, line = new_key("microscope 1")
    file = tmp_path / "keys"
    file.write_text(f"# keys\n\n{line}\n", encoding="utf-8")
    assert key not in file.read_text(encoding="utf-8")
    with client(api_keys=str(file)) as server:
        for path in ("/livez", "/readyz", "/ping", "/v1/settings"):
            assert server.get(path).status_code == 200
        for path in ("/v1/model", "/metrics", "/openapi.json", "/version"):
            refused = server.get(path)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert server.post("/v1/segment", content=png(), headers={"x-api-key": "guess"}).status_code == 401
        assert server.post("/v1/segment", content=png(), headers={"x-api-key": key}).status_code == 200
        assert server.post("/invocations", content=b"{}").status_code == 401
        assert server.get("/v1/model", headers={"authorization": f"Bearer {key}"}).status_code == 200
        assert server.get("/v1/settings").json()["needs_key"] is True


@pytest.mark.parametrize("content", ["", "# none\n", "name:short", "no hash here", ":" + 64 * "a"])
def test_a_bad_file_of_keys_is_told(tmp_path: Path, content: str) -> None:
    file = tmp_path / "keys"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="--new-key"):
        read_keys(file)


def test_a_key_needs_a_name() -> None:
    for name in ("", "a:b"):
        with pytest.raises(ConfigError):
            new_key(name)


def test_rate() -> None:
    with client(rate=0.02) as server:
        answers = [server.post("/v1/segment", content=png()) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
        assert 0 < int(answers[-1].headers["retry-after"]) <= 50
        assert server.get("/livez").status_code == 200


def test_a_bucket_fills_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("chromseg.serving.guard.time.monotonic", lambda: now)
    limit = RateLimit(2.0)
    for _ in range(4):
        limit.take("a")
    with pytest.raises(ProblemError):
        limit.take("a")
    limit.take("b")
    now += 0.5
    limit.take("a")
    with pytest.raises(ProblemError):
        limit.take("a")


def test_headers_on_every_answer() -> None:
    with client() as server:
        for answer in (server.get("/v1/settings"), server.get("/nothing"), server.get("/livez", headers={"host": "x"})):
            assert answer.headers["content-security-policy"] == CONTENT_POLICY
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
            assert len(answer.headers["x-request-id"]) == 32
            assert "server" not in answer.headers


def test_no_other_machine_without_keys() -> None:
    check_exposure(ServeSettings(), False)
    check_exposure(ServeSettings(host="::1"), False)
    check_exposure(ServeSettings(host="0.0.0.0"), True)
    check_exposure(ServeSettings(host="0.0.0.0", api_keys="file"), False)
    for host in ("0.0.0.0", "10.0.0.1", "lab.example"):
        with pytest.raises(ConfigError, match="--allow-anonymous"):
            check_exposure(ServeSettings(host=host), False)
