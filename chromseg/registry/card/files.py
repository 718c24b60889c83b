"""The model card that goes into the registry: what the model's folder says of itself, completed from its run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromseg.annotations.dataset import DatasetCard, read_dataset
from chromseg.errors import DataError
from chromseg.files import write_text
from chromseg.project import Pipeline, dataset_folder, project_root
from chromseg.registry.card.page import html_page
from chromseg.registry.card.sections import card_sections
from chromseg.registry.card.text import CARD, FAILURES, PAGE, UNKNOWN, compose, sections_of
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.lineage.profile_params import compare_setting

if TYPE_CHECKING:
    from chromseg.models.package import ModelCard


def write_card_files(
    folder: Path,
    card: ModelCard,
    lineage: Lineage,
    *,
    metrics: Mapping[str, float | None],
    config: Mapping[str, str],
    parameters: int,
) -> None:
    """Write `MODEL_CARD.md` and `MODEL_CARD.html` into a model folder, and pictures of failures beside them.

    Sections that the folder's own card has are kept as they are; the others are made from the run, the cards of the
    datasets below `data/`, and what `evaluate` and `compare` left in `reports/`.

    Args:
        folder: The model folder that will be registered.
        card: Its `model.json`.
        lineage: Complete.
        metrics: Of the card and of the run.
        config: Settings of the training, flat.
        parameters: Number of the network's weights.
    """
    known = replace(card, metrics=dict(metrics), lineage=lineage.to_dict())
    made = card_sections(known, [], _intervals(lineage, metrics), parameters, config.get("init") or "random")
    made["Data and its terms"] = _terms(lineage)
    pictures = _failures(folder, lineage)
    if pictures:
        made["Failures"] = "\n\n".join(f"![{path.stem}]({FAILURES}/{path.name})" for path in pictures)
    own = sections_of((folder / CARD).read_text(encoding="utf-8")) if (folder / CARD).is_file() else {}
    write_text(folder / CARD, compose(card.name, made | own))
    write_text(folder / PAGE, html_page(f"Model card: {card.name}", compose(card.name, made | own), folder))


def _intervals(lineage: Lineage, metrics: Mapping[str, float | None]) -> dict[str, list[float]]:
    """The intervals that `evaluate` wrote, if it wrote them for these very scores."""
    file = _pipeline(lineage).scores(lineage.variant, lineage.seed) / "metrics.json"
    if not file.is_file():
        return {}
    scores: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    same = all(metrics.get(key) == value for key, value in scores["metrics"].items() if key in metrics)
    return dict(scores["intervals"]) if same else {}


def _terms(lineage: Lineage) -> str:
    lines = []
    for name, md5 in lineage.data_md5.items():
        data = _dataset_card(name)
        terms = f"{data.source}. Licence: {data.licence}. Cite: {data.citation}" if data else UNKNOWN
        lines.append(f"- **{name}** (md5 `{md5}`): {terms}")
    return "\n".join(lines)


def _dataset_card(name: str) -> DatasetCard | None:
    root = dataset_folder(name, project_root())
    try:
        return read_dataset(root).card if root.is_dir() else None
    except DataError:  # the gate for model cards will tell that its terms are not at hand
        return None


def _failures(folder: Path, lineage: Lineage) -> list[Path]:
    """Pictures of failures, copied into the folder: its own, or those of `compare` if they show this variant."""
    own = folder / FAILURES
    if not own.is_dir() and compare_setting(lineage.profile, "gallery") == lineage.variant:
        pictures = sorted((_pipeline(lineage).reports / "comparison").glob("gallery-*.png"))
        if pictures:
            own.mkdir()
        for picture in pictures:
            shutil.copy(picture, own)
    return sorted(own.glob("*.png"))


def _pipeline(lineage: Lineage) -> Pipeline:
    return Pipeline(lineage.profile, project_root())
