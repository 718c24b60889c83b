"""The card says what a person must know: scores with intervals, data with terms, where the weights come from."""

from __future__ import annotations

from example_lineage import LINEAGE

from chromseg.annotations import DatasetCard
from chromseg.config import ModelConfig
from chromseg.models.package import ModelCard
from chromseg.registry.model_card import model_card


def test_card_names_scores_terms_and_lineage() -> None:
    card = ModelCard(
        "tiny",
        ModelConfig("unet", depth=2, width=4),
        chromosome_width=11.4,
        metrics={"test/iou_crossing": 0.75, "test/count_mae": None},
        lineage=dict(LINEAGE),
        weights_sha256="f" * 64,
    )
    data = DatasetCard("lab", "g-band", "dark-on-light", "a lab", "CC-BY-4.0", "Doe 2020", "coco", "1")
    text = model_card(card, [data], {"test/iou_crossing": (0.7, 0.8)}, 1234, "random")
    assert "| crossing IoU, cut-outs | 0.750 [0.700, 0.800] |" in text
    assert "| count error per metaphase | – |" in text
    assert "| parameters | 1,234 |" in text and "| initial weights | random |" in text
    assert "**lab** (g-band, dark-on-light): a lab. Licence: CC-BY-4.0. Cite: Doe 2020" in text
    assert LINEAGE["git_commit"] in text and "f" * 64 in text
    assert "Not for diagnosis" in text and "about 11 px wide" in text
