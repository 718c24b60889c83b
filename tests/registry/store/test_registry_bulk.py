"""A search of MLflow's answers in pages; all of them are read."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from mlflow.store.entities.paged_list import PagedList

from chromseg.registry.store.bulk import every

PAGES = {None: PagedList(["a", "b"], "second"), "second": PagedList(["c"], "third"), "third": PagedList(["d"], None)}


def test_every_page_is_read_with_what_was_asked_for() -> None:
    asked: list[tuple[Any, ...]] = []

    def search(where: str, *, max_results: int, page_token: str | None) -> PagedList[str]:
        asked.append((where, max_results))
        return PAGES[page_token]

    assert every(search, "name = 'x'", max_results=2) == ["a", "b", "c", "d"]
    assert asked == [("name = 'x'", 2)] * 3


def test_an_empty_answer_is_no_row() -> None:
    assert every(lambda page_token: PagedList([], "")) == []


def test_the_garbage_collector_is_given_back_what_it_had_when_a_search_fails() -> None:
    frozen = gc.get_freeze_count()

    def search(page_token: str | None) -> PagedList[str]:
        assert gc.get_freeze_count() > frozen
        raise ConnectionError

    with pytest.raises(ConnectionError):
        every(search)
    assert gc.get_freeze_count() == 0
