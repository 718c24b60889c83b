"""Axes drawn through a tangle come back as chromosomes that share what they share."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from serving_app import client

from chromseg.annotations import decode_rle, encode_rle
from chromseg.arrays import Bool


def cross() -> Bool:
    """Two bars, 9 px wide, that cross at a right angle: bool (2, 60, 80)."""
    masks = np.zeros((2, 60, 80), dtype=bool)
    masks[0, 26:35, 10:70] = True
    masks[1, 5:55, 36:45] = True
    return masks


def asked(**changes: Any) -> dict[str, Any]:
    mask = encode_rle(cross().any(axis=0))
    return {"mask": mask, "axes": [[[12, 30.5], [68, 30.5]], [[40.5, 7], [40.5, 53]]]} | changes


def answered(server: TestClient, body: Any) -> Any:
    return server.post("/v1/partition", json=body)


def test_two_axes_give_two_chromosomes_that_share_the_crossing() -> None:
    with client() as server:
        answer = answered(server, asked())
    assert answer.status_code == 200, answer.text
    found = answer.json()["annotations"]
    assert [one["axis"] for one in found] == [0, 1]
    for one, mask in zip(found, cross(), strict=True):
        assert np.array_equal(decode_rle(one["segmentation"], 60, 80), mask)
        assert one["area"] == mask.sum()
    assert found[1]["bbox"] == [36, 5, 9, 50]


def test_what_no_axis_explains_comes_back_too() -> None:
    with client() as server:
        found = answered(server, asked(axes=[[[12, 30.5], [68, 30.5]]])).json()["annotations"]
    assert [one["axis"] for one in found] == [0, None]
    rest, truth = decode_rle(found[1]["segmentation"], 60, 80), cross()[1]
    assert (rest & truth).sum() / (rest | truth).sum() > 0.95


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (asked(axes=[]), "axes"),
        (asked(axes=[[[1, 2]]]), "axes.0"),
        (asked(axes=[[[1, 2], [1, "x"]]]), "axes.0.1.1"),
        (asked(axes=[[[0, 0], [0, 0]]]), "no length"),
        (asked(axes=[[[0, 0], [500_000, 0]]]), "longer"),
        (asked(mask={"size": [60, 80], "counts": [1, 2]}), "do not fill"),
        (asked(mask={"size": [60_000, 80_000], "counts": [1, 2]}), "at most"),
        (asked(mask={"size": [60, 80], "counts": [4800]}), "0 pixels"),
        ([], "Input should be an object"),
    ],
)
def test_what_is_no_tangle_is_told(body: Any, told: str) -> None:
    with client() as server:
        answer = server.post("/v1/partition", content=json.dumps(body))
    assert (answer.status_code, answer.json()["error"]["kind"]) == (400, "bad-request")
    assert told in answer.json()["error"]["got"]
