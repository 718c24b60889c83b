"""From what was found in a picture to its outcome, with a row for each page and each chromosome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from chromseg.cohort.outcome import PictureOutcome, rule_of
from chromseg.cohort.sources import PictureFile
from chromseg.errors import InputRefusedError
from chromseg.inference.exports import to_coco
from chromseg.inference.files import warnings_of
from chromseg.inference.one_picture import Verdict
from chromseg.inference.result import Piece, Result


def outcome_of(file: PictureFile, image_sha256: str, verdicts: list[Verdict]) -> PictureOutcome:
    """The verdicts on a picture's pages as one: refused as soon as one page is."""
    results = [(each.page, each.outcome) for each in verdicts if isinstance(each.outcome, Result)]
    refused = [each.outcome for each in verdicts if isinstance(each.outcome, InputRefusedError)]
    timings: Counter[str] = Counter()
    for _, result in results:
        timings.update(result.timings_ms)
    return PictureOutcome(
        file,
        "refused" if refused else "done",
        image_sha256,
        count=sum(len(result.instances) for _, result in results),
        flagged=sum(result.flagged for _, result in results),
        unclaimed=_pieces(result.unclaimed for _, result in results),
        warnings=tuple(note for _, result in results for note in warnings_of(result.validation)),
        rule=rule_of(refused[0]) if refused else "",
        error=refused[0] if refused else None,
        pages=tuple(_page_row(each) for each in verdicts),
        chromosomes=tuple(row for page, result in results for row in _chromosome_rows(page, result)),
        timings_ms=dict(timings),
    )


def _pieces(unclaimed: Iterable[Sequence[Piece] | None]) -> int | None:
    """How many there are on all pages; None where no page tells."""
    told = [len(pieces) for pieces in unclaimed if pieces is not None]
    return sum(told) if told else None


def _page_row(verdict: Verdict) -> dict[str, Any]:
    result = verdict.outcome
    if isinstance(result, InputRefusedError):
        return {"page": verdict.page, "refused": str(result)}
    height, width = result.absorbance.shape
    return {
        "page": verdict.page,
        "height": height,
        "width": width,
        "polarity": result.polarity,
        "scale": round(result.scale, 4),
        "chromosomes": len(result.instances),
        "flagged": result.flagged,
        "unclaimed": None if result.unclaimed is None else len(result.unclaimed),
    }


def _chromosome_rows(page: int, result: Result) -> list[dict[str, Any]]:
    """One row a chromosome, from what `instances.json` would say of it."""
    rows = []
    for annotation in to_coco(result)["annotations"]:
        x, y, width, height = annotation["bbox"]
        rle = annotation["segmentation"]
        kept = ("id", "area", "score", "probability", "uncertainty", "flags")
        rows.append(
            {key: annotation[key] for key in kept}
            | {"page": page, "x": x, "y": y, "width": width, "height": height}
            | {"rle_counts": rle["counts"], "rle_height": rle["size"][0], "rle_width": rle["size"][1]}
        )
    return rows
