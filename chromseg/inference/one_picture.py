"""One picture, from the bytes of its file to its chromosomes: the one way of `predict`, of the server and of a cluster.

Nothing here reads or writes files. The steps of a page may run apart, in other threads, processes or machines: decode
(`Asked.decode`), judge and normalise (`Predictor.prepare`), network (`Predictor.begin`), splice (`Prepared.finish`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from chromseg.errors import InputRefusedError
from chromseg.images.pictures import Picture
from chromseg.inference.asked import Asked
from chromseg.inference.predictor import Predictor
from chromseg.inference.result import Result


@dataclass(frozen=True)
class Verdict:
    """What became of one page: a result, or the reason why it must not be predicted on."""

    page: int
    outcome: Result | InputRefusedError


def predict_file(content: bytes, predictor: Predictor, asked: Asked, name: str = "the image") -> list[Verdict]:
    """The chromosomes of every page of a file.

    Args:
        content: Bytes of a picture file.
        predictor: The model.
        asked: How to read it; its page is not looked at.
        name: What messages call the file.

    Raises:
        InputRefusedError: The file cannot be read; of one that can, each page has its own verdict.
    """
    return list(predict_pages(asked.decode(content, name), predictor, asked, name))


def predict_pages(
    picture: Picture, predictor: Predictor, asked: Asked, name: str = "the image", skip: Collection[int] = ()
) -> Iterator[Verdict]:
    """The same of a file that is decoded already, page by page, less those to `skip`."""
    pages = len(picture.pages)
    for page in range(pages):
        if page in skip:
            continue
        try:
            own = replace(asked, page=page)
            yield Verdict(page, predictor.predict_page(picture, own, page_name(name, page, pages)))
        except InputRefusedError as error:
            yield Verdict(page, error)


def page_name(name: str, page: int, pages: int) -> str:
    """What messages and reports call a page of the file `name`."""
    return name if pages == 1 else f"{name}, page {page + 1}"
