"""A correction is a document: it is given back, and nobody saves over another's without knowing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from serving_app import client, png

from chromseg.serving.keys import new_key

KEY = hashlib.sha256(png()).hexdigest()[:16]


def segmented(server: TestClient, **headers: str) -> dict[str, Any]:
    found: dict[str, Any] = server.post("/v1/segment", content=png(), headers=headers).json()
    return found


def send(server: TestClient, found: dict[str, Any], keep: int, headers: dict[str, str], **fields: str) -> Any:
    form = {"original": json.dumps(found), "corrected": json.dumps({"annotations": found["annotations"][:keep]})}
    form |= {"reviewer": "Ada"} | fields
    return server.post("/v1/corrections", data=form, files={"image": ("cell.png", png())}, headers=headers)


def test_what_was_saved_is_given_back_with_who_and_when(tmp_path: Path) -> None:
    with client(corrections=str(tmp_path)) as server:
        assert server.get(f"/v1/corrections/{KEY}").status_code == 404
        saved = send(server, segmented(server), 3, {"if-none-match": "*"}, stain="g-band")
        answer = server.get(f"/v1/corrections/{KEY}")
    assert (saved.status_code, answer.status_code) == (201, 200)
    assert saved.json()["id"] == KEY
    assert saved.headers["etag"] == saved.json()["etag"] == answer.headers["etag"]
    content = answer.json()
    assert len(content["annotations"]) == 3
    told = content["info"]
    assert (told["reviewer"], told["time"], told["model"]["version"]) == ("Ada", saved.json()["time"], "1")
    assert (told["polarity"], told["stain"]) == ("dark-on-light", "g-band")
    assert content["images"][0]["polarity"] == "dark-on-light"


def test_nobody_saves_over_what_they_have_not_seen(tmp_path: Path) -> None:
    with client(corrections=str(tmp_path)) as server:
        found = segmented(server)
        first = send(server, found, 3, {"if-none-match": "*"})
        second = send(server, found, 2, {"if-none-match": "*"}, reviewer="Grace")
        assert second.status_code == 409
        assert second.headers["etag"] == first.json()["etag"]
        assert "Ada corrected at" in second.json()["error"]["got"]
        assert len(server.get(f"/v1/corrections/{KEY}").json()["annotations"]) == 3, "nothing was written"
        assert len(list((tmp_path / "history").iterdir())) == 1

        third = send(server, found, 2, {"if-match": first.json()["etag"]}, reviewer="Grace")
        assert third.status_code == 201
        assert send(server, found, 1, {"if-match": first.json()["etag"]}).status_code == 409
        assert send(server, found, 1, {}).status_code == 201, "a program that asks nothing is not refused"


@pytest.mark.parametrize("key", ["../secret", "0" * 15, "0" * 16 + "-page-1", "..%2f..%2fkeys", "G" * 16])
def test_only_corrections_can_be_asked_for(tmp_path: Path, key: str) -> None:
    with client(corrections=str(tmp_path / "kept")) as server:
        assert server.get(f"/v1/corrections/{key}").status_code in (400, 404)


def test_without_a_folder_there_are_none() -> None:
    with client() as server:
        answer = server.get(f"/v1/corrections/{KEY}")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (404, "corrections-off")


def test_whose_key_it_was_is_kept(tmp_path: Path) -> None:
    key, line = new_key("microscope-1")
    (tmp_path / "keys").write_text(line)
    with client(corrections=str(tmp_path / "kept"), api_keys=str(tmp_path / "keys")) as server:
        mine = {"x-api-key": key}
        saved = send(server, segmented(server, **mine), 3, mine)
        assert saved.json()["key"] == "microscope-1"
        info = server.get(f"/v1/corrections/{KEY}", headers=mine).json()["info"]
    assert (info["reviewer"], info["key"]) == ("Ada", "microscope-1")
