"""What `chromseg-ops data` prints of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from chromseg.cli.printing import print_facts, print_json, print_table

if TYPE_CHECKING:
    from chromseg.annotations.changes import Changes, OutlineChanges
    from chromseg.annotations.dataset import Dataset
    from chromseg.annotations.overlaps import Overlaps
    from chromseg.annotations.summary import Spread, Summary


def print_made(dataset: Dataset, as_json: bool, changes: Changes | None = None) -> None:
    """Print what a dataset that was just made holds, and what changed from the version before."""
    splits = {split: len(dataset.in_split(split)) for split in ("train", "val", "test")}
    facts: dict[str, Any] = {
        "dataset": dataset.root.as_posix(),
        "images": len(dataset.images),
        "annotations": len(dataset.instances),
        "cases": len({image.case for image in dataset.images}),
        "splits": splits,
        "stain": dataset.card.stain,
        "polarity": dataset.card.polarity,
    }
    if as_json:
        print_json(facts | ({} if changes is None else {"changes": changes.to_json()}))
        return
    cut = ", ".join(f"{split} {count}" for split, count in splits.items())
    typer.echo(
        f"{facts['dataset']}: {facts['images']} images, {facts['annotations']} annotations, {facts['cases']} cases "
        f"({cut}); {facts['stain']}, {facts['polarity']}"
    )
    if changes is not None:
        print_changes(changes)


def print_summary(figures: Summary, picture: Path | None) -> None:
    """Print a dataset's figures: what it is, splits, spreads, overlaps."""
    print_facts(
        {
            "dataset": f"{figures.name} ({figures.stain}, {figures.polarity})",
            "licence": figures.licence,
            "images": f"{figures.images}, of {figures.cases} cases",
            "chromosomes": figures.chromosomes,
            "clusters not parted": figures.unparted or None,
            "categories": ", ".join(f"{name} {count}" for name, count in figures.categories.items()),
            "cases in several splits": ", ".join(figures.shared_cases) or "none",
            "area histogram": picture,
        }
    )
    typer.echo()
    rows = [(split, one.images, one.cases, one.chromosomes) for split, one in figures.splits.items()]
    print_table(("split", "images", "cases", "chromosomes"), rows)
    typer.echo()
    spreads = {
        "image width": figures.width,
        "image height": figures.height,
        "chromosomes an image": figures.per_image,
        "chromosome area": figures.area,
    }
    headings = ("pixels or number", "least", "5 %", "median", "95 %", "greatest")
    print_table(headings, [(name, *_rounded(spread)) for name, spread in spreads.items()])
    typer.echo()
    _print_overlaps(figures.overlaps)


def print_changes(changes: Changes) -> None:
    """Print what changed: three lines of counts, then a line a picture."""
    pictures = (("added", changes.added), ("changed", changes.changed), ("gone", changes.gone))
    renamed = f", {len(changes.renamed)} renamed" if changes.renamed else ""
    typer.echo("pictures: " + ", ".join(f"{len(names)} {word}" for word, names in pictures) + renamed)
    typer.echo(f"outlines: {_counts(changes.total)}")
    typer.echo(f"moved splits: {len(changes.moved) or 'none'}")
    for word, names in pictures:
        for name in names:
            typer.echo(f"{word:8} {name}{_reasons(changes, name)}")
    for after, before in changes.renamed.items():
        typer.echo(f"renamed  {after}: was {before}")
    for move in changes.moved:
        typer.echo(f"moved    {move.picture} (case {move.case}): {move.before} → {move.after}")


def _reasons(changes: Changes, name: str) -> str:
    outlines = changes.outlines.get(name)
    others = (("pixels", changes.repainted), ("maps", changes.remapped))
    described = [f"other {what}" for what, names in others if name in names]
    described += [f"outlines {_counts(outlines)}"] if outlines else []
    return f": {'; '.join(described)}" if described else ""


def _counts(outlines: OutlineChanges) -> str:
    return f"{outlines.added:,} added, {outlines.changed:,} changed, {outlines.gone:,} gone"


def _rounded(spread: Spread | None) -> tuple[str | None, ...]:
    if spread is None:
        return (None,) * 5
    return tuple(f"{value:,.0f}" for value in (spread.least, spread.p5, spread.median, spread.p95, spread.greatest))


def _print_overlaps(overlaps: Overlaps | None) -> None:
    """ChromSeg's Table I, as far as the set can tell it."""
    if overlaps is None:
        typer.echo("overlaps: not known, the set has boxes alone")
    elif overlaps.share is None:
        typer.echo(f"crossings of 40 px or more: {overlaps.crossing_clusters} (maps alone: chromosomes not countable)")
    else:
        rows = [(row.chromosomes, f"{row.clusters:,}", f"{row.share:.2%}") for row in overlaps.rows]
        rows.append(("all", f"{overlaps.crossing_clusters:,}", f"{overlaps.share:.2%}"))
        print_table(("overlapping chromosomes", "clusters", "of all chromosomes"), rows)
        typer.echo(f"{overlaps.fitting} clusters fit 256×256, {overlaps.touching} of these with touching arms")
