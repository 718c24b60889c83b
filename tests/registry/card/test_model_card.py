"""The card says what a person must know: scores with intervals, data with terms, where the weights come from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from dvc_record import record
from example_lineage import LINEAGE
from PIL import Image

from chromseg.annotations import Dataset, DatasetCard, write_dataset
from chromseg.config import DetectorConfig, ModelConfig, parse, read_params
from chromseg.models.cascade import CascadeConfig
from chromseg.models.package import ModelCard
from chromseg.registry.card import files as card_files
from chromseg.registry.card.sections import model_card
from chromseg.registry.card.text import sections_of
from chromseg.registry.gates import policy
from chromseg.registry.gates.paperwork import missing_sections
from chromseg.registry.gates.policy import Policy
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.versions.register import register
from chromseg.registry.versions.resolve import resolve


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
    assert "| dvc_stage | not run by DVC |" in text
    assert "Not for diagnosis" in text and "about 11 px wide" in text


def test_every_family_says_what_it_is() -> None:
    maps, detector = ModelConfig("unet", depth=2, width=4), DetectorConfig("ucrd-net", uncertainty=True, levels=(2, 3))
    told = model_card(ModelCard("a", detector, lineage=dict(LINEAGE)), [], {}, 1, "random")
    assert "each as an instance" in told
    assert "ucrd-net on resnet101, P2, P3, default anchors, two-fc box head, uncertainty correction (λ 0.3)" in told
    knowing = dataclasses.replace(
        detector, ranking="damped", damping=4.0, mask_head="box-aware", mask_others=True, cascade=(0.6,)
    )
    told = model_card(ModelCard("a", knowing, lineage=dict(LINEAGE)), [], {}, 1, "random")
    assert "two-fc box head, 2 stages of boxes, uncertainty correction (κ 4), box-aware mask head, a layer" in told
    parents = {"maps": {"name": "chromseg", "version": "3"}, "detector": {"name": "ucrd-net", "version": "1"}}
    both = ModelCard("b", CascadeConfig("cascade", maps, detector), lineage=dict(LINEAGE), parents=parents)
    told = model_card(both, [], {}, 1, "none")
    assert "Lets chromseg/3 and ucrd-net/1 look" in told and "cascade of unet, depth 2, width 4; and ucrd-net" in told


def test_slices_are_rows() -> None:
    figures = {"n_images": 12.0, "iou_crossing": 0.5, "overlap_acc": None, "overall_acc": 0.25}
    metrics = {f"test/slice/crossing/T/{key}": value for key, value in figures.items()}
    card = ModelCard("a", ModelConfig("unet", depth=2, width=4), metrics=metrics, lineage=dict(LINEAGE))
    assert "| crossing T | 12 | 0.500 | – | 0.250 |" in model_card(card, [], {}, 1, "random")


def test_the_registered_card_keeps_what_the_folder_says_and_adds_the_rest(
    store: Path, make_model: Callable[..., Path]
) -> None:
    card = DatasetCard("sample", "g-band", "dark-on-light", "a lab", "CC0", "none", "coco", "1")
    write_dataset(Dataset(store / "data" / "sample", card, (), (), {}), {})
    folder = make_model(metrics={"test/overall_acc": 0.5, "test/slice/crossing/X/n_images": 20.0})
    (folder / "MODEL_CARD.md").write_text("# Mine\n\n## Limits\n\nOnly for <fish>.\n")
    Image.new("L", (8, 8)).save(_made(folder / "failures") / "worst.png")
    record(folder, store)
    version, _ = register(folder, "chromseg")
    kept = resolve(f"models:/{version.label}")
    sections = sections_of((kept / "MODEL_CARD.md").read_text())
    assert sections["Limits"] == "Only for <fish>."
    assert "Licence: CC0" in sections["Data and its terms"]
    assert "| overall accuracy, cut-outs | 0.500 |" in sections["Test scores"]
    assert sections["Failures"] == "![worst](failures/worst.png)"
    page = (kept / "MODEL_CARD.html").read_text()
    assert "<p>Only for &lt;fish&gt;.</p>" in page and 'alt="worst" src="data:image/png;base64,' in page
    assert '<th scope="row">overall accuracy, cut-outs</th>\n<td>0.500</td>' in page and "http" not in page
    default = read_policy_of_the_box()
    assert missing_sections((kept / "MODEL_CARD.md").read_text(), default.model_card) == []


def test_a_detector_of_boxes_alone_is_told_from_one_of_masks() -> None:
    def purpose(**instances: bool) -> str:
        card = ModelCard("boxes", DetectorConfig("ucrd-net"), preprocessing={"instances": instances})
        return sections_of(model_card(card, [], {}, 1, "random"))["Intended use"]

    assert "trained on boxes alone" in purpose(boxes_only=True)
    assert "each as an instance with its mask" in purpose()


def test_data_whose_terms_are_unknown_make_a_card_incomplete(store: Path, make_model: Callable[..., Path]) -> None:
    version, _ = register(make_model(), "chromseg")
    card = (resolve(f"models:/{version.label}") / "MODEL_CARD.md").read_text()
    assert missing_sections(card, read_policy_of_the_box().model_card) == ["Slices", "Data and its terms"]


def test_intervals_come_from_the_report_of_the_same_scores_only(store: Path) -> None:
    lineage = Lineage.from_dict(LINEAGE)
    report = _made(store / "reports" / "default" / "scores" / "tiny-0") / "metrics.json"
    report.write_text('{"metrics": {"test/overall_acc": 0.5}, "intervals": {"test/overall_acc": [0.4, 0.6]}}')
    assert card_files._intervals(lineage, {"test/overall_acc": 0.5}) == {"test/overall_acc": [0.4, 0.6]}
    assert card_files._intervals(lineage, {"test/overall_acc": 0.75}) == {}


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def read_policy_of_the_box() -> Policy:
    return parse(Policy, read_params(Path(policy.__file__).with_name("promotion.yaml")))
