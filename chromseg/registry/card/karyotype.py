"""What the card of a network says that names chromosomes instead of finding them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chromseg.metrics.catalogue import NAMING, TEST, figure
from chromseg.models.package import ModelCard
from chromseg.registry.card.text import NOT_MEASURED, table

_STAIN = f"{TEST}slice/stain/"
_USE = """Names the chromosomes of a cell that are cut out already, and says which end of each is up; the assignment of
the whole cell then places them in a karyogram. **For research. Not for diagnosis.** A count is of what was found and
placed by a program. A person looks at every karyogram: `unsure` names the placements to look at first."""
_KNOWN = """On correctly cut chromosomes of test cases of which no picture, nor a copy of one, trained this model. In
brackets 95 % bootstrap intervals by case."""
_LIMITS = """- It knows normal chromosomes alone: derivatives, rings and markers get the class that they resemble most.
- A chromosome that is cut wrongly may take the place of another one; look at cuts first, at names afterwards.
- A cell of which much is missing tells the lengths of the others wrongly, since they are measured against its median.
- Other stains, microscopes and preparations differ: measure on your own images before you rely on it."""


def karyotype_sections(card: ModelCard, intervals: Mapping[str, Sequence[float]]) -> dict[str, str]:
    """Heading → text of the sections that differ from those of a model that cuts.

    Args:
        card: Of the model, with its metrics.
        intervals: 95 % bootstrap interval by case, by metric key.
    """
    scores = {metric.label: _score(card, metric.key, intervals.get(metric.key)) for metric in NAMING}
    return {
        "Intended use": _USE,
        "Test scores": f"{_KNOWN}\n\n{table(scores)}",
        "Slices": _by_stain(card),
        "Limits": _LIMITS,
    }


def _score(card: ModelCard, key: str, interval: Sequence[float] | None) -> str:
    value = card.metrics.get(key)
    ends = f" [{', '.join(figure(key, end) for end in interval)}]" if interval and value is not None else ""
    return figure(key, value) + ends


def _by_stain(card: ModelCard) -> str:
    """A row for each stain that was judged."""
    judged = sorted({key.removeprefix(_STAIN).partition("/")[0] for key in card.metrics if key.startswith(_STAIN)})
    if not judged:
        return f"{NOT_MEASURED}: the model has not been judged stain by stain."
    head = [f"| chromosomes of | {' | '.join(metric.heading for metric in NAMING)} |", "|---" * (len(NAMING) + 1) + "|"]
    return "\n".join([*head, *(_row(card, stain) for stain in judged)]) + (
        "\n\nNobody has measured what it does with any other stain."
    )


def _row(card: ModelCard, stain: str) -> str:
    keys = [metric.key for metric in NAMING]
    values = [card.metrics.get(f"{_STAIN}{stain}/{key.removeprefix(TEST)}") for key in keys]
    return f"| {' | '.join([stain, *map(figure, keys, values)])} |"
