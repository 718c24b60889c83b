"""Comparing what is trained and scored: the right models, what is missing by name, and the pictures of detectors."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from example_lineage import LINEAGE
from PIL import Image
from tiny_detector import TINY, UCRD, save_tiny

from chromseg.annotations import Sample
from chromseg.annotations.samples import write_samples
from chromseg.boxes import boxes_of
from chromseg.config import DetectorConfig
from chromseg.errors import DataError
from chromseg.evaluation.anchors import draw_anchors
from chromseg.evaluation.curves import draw_curves
from chromseg.models.package import read_card
from chromseg.registry.lineage.lineage import Lineage
from pipelines import compare
from pipelines.profile import Profile

VARIANTS = {"plain": TINY, "compact": UCRD, "compact-cil24": TINY, "later": TINY}


def metaphase(name: str, split: str) -> Sample:
    """Two bars that cross and one alone."""
    masks = np.zeros((3, 130, 140), dtype=bool)
    masks[0, 40:48, 20:70] = masks[1, 20:70, 40:48] = masks[2, 100:110, 80:110] = True
    image = (1 - 0.5 ** masks.sum(axis=0)).astype(np.float32)
    return Sample.from_masks(name, f"drawn/{name}", split, "metaphase", image, masks)


def train(variant: str, seed: int, config: DetectorConfig, *, scored: bool = True) -> None:
    """What the stages `train` and `evaluate` leave."""
    folder = save_tiny(Path("models") / f"{variant}-{seed}", config, name=f"{variant}, seed {seed}")
    facts = LINEAGE | {"experiment": "ucrd-net", "variant": variant, "seed": seed, "run_id": f"run-of-{variant}-{seed}"}
    tags = Lineage.from_dict(facts).tags()
    record = {"params": {"model.levels": variant}, "tags": tags, "metrics": [{"step": 0, "train/loss": 1.0}]}
    (folder / "run.json").write_text(json.dumps(record))
    if scored:
        scores = Path("reports/default/scores") / f"{variant}-{seed}"
        scores.mkdir(parents=True)
        (scores / "metrics.json").write_text(json.dumps({"metrics": {"test/mask_map": 0.5}}))


def size_of(picture: Path) -> tuple[int, int]:
    with Image.open(picture) as image:
        return image.size


@pytest.fixture
def profile(store: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    """All variants are known, none is trained yet; two images."""
    model: dict[str, Any] = {"architecture": "ucrd-net"}
    params = {
        "train": {"base": {"model": model, "samples": ["metaphase"]}, "variants": {name: {} for name in VARIANTS}},
        "evaluate": {"dataset": "drawn"},
        "compare": {"baseline": "plain", "gallery": "compact"},
    }
    (store / "params.yaml").write_text(yaml.safe_dump(params))
    write_samples(Path("prepared"), [metaphase("a", "train"), metaphase("b", "test")])
    monkeypatch.setattr(sys, "argv", ["compare"])
    return Profile()


def test_a_variant_is_not_taken_for_another_whose_name_begins_alike(profile: Profile) -> None:
    for variant, seed in (("compact-cil24", 0), ("compact", 10), ("compact", 2)):
        train(variant, seed, VARIANTS[variant])
    names = {variant: read_card(folder).name for variant, folder in compare.trained_models(profile).items()}
    assert names == {"compact": "compact, seed 2", "compact-cil24": "compact-cil24, seed 0"}


def test_a_training_under_way_is_not_trained(profile: Profile) -> None:
    train("compact", 2, VARIANTS["compact"])
    (profile.model("compact", 1)).mkdir(parents=True)
    (profile.model("later", 0)).mkdir()
    assert compare.trained_models(profile) == {"compact": profile.model("compact", 2)}


def test_what_is_there_is_compared_and_what_is_missing_named(
    profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    train("plain", 0, TINY)
    train("compact", 0, UCRD)
    train("compact-cil24", 0, TINY, scored=False)
    compare.main()
    out, err = capsys.readouterr()
    assert "plain" in out and "compact" in out and "compact-cil24" not in out
    assert "not trained: later" in err and "not evaluated: compact-cil24" in err
    written = Path("reports/default/comparison")
    sizes = {path.name: size_of(path) for path in written.glob("*.png")}
    assert sizes.keys() >= {"gallery-metaphases.png", "gallery-regions.png", "anchors.png", "gallery-good.png"}
    assert sizes["gallery-metaphases.png"][0] == 8 + 4 * 228, "image, truth, baseline, gallery"


def test_without_the_variant_of_the_gallery_the_table_is_there(
    profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    train("plain", 0, TINY)
    compare.main()
    assert "not trained: compact, compact-cil24, later" in capsys.readouterr().err
    written = Path("reports/default/comparison")
    assert (written / "gallery-metaphases.png").is_file() and not (written / "gallery-good.png").exists()
    assert not (written / "gallery-regions.png").exists(), "the baseline is without region decomposition"


def test_no_two_variants_are_drawn_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.axes import Axes

    def watched(axis: Axes, *points: Any, **look: Any) -> Any:
        drawn.append((look["color"], look["linestyle"]))
        return plot(axis, *points, **look)

    drawn, plot = [], Axes.plot
    monkeypatch.setattr(Axes, "plot", watched)
    variants = [f"v{index}" for index in range(18)]  # as many as profiles/paper
    rows = [{"variant": variant, "seed": 0, "epoch": 1, "train/loss": 1.0} for variant in variants]
    draw_curves(tmp_path / "curves.png", rows)
    assert len(set(drawn)) == 18


def test_scores_without_their_model_are_in_the_table_and_have_no_curve(
    profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    train("plain", 0, TINY)
    train("later", 0, TINY)
    for file in Path("models/later-0").iterdir():
        file.unlink()
    Path("models/later-0").rmdir()
    compare.main()
    out, err = capsys.readouterr()
    assert "later" in out and "no curve, since its model is gone: later-0" in err
    assert "left out, not trained: compact, compact-cil24\n" in err, "what is in the table is not left out"
    assert "later" not in Path("reports/default/comparison/curves.csv").read_text()


def test_without_scores_of_the_baseline_nothing_is_compared(profile: Profile) -> None:
    train("compact", 0, UCRD)
    with pytest.raises(DataError, match="no scores of the baseline `plain`"):
        compare.main()


def test_boxes_alone_show_anchors_and_no_crossings(profile: Profile) -> None:
    whole = metaphase("a", "train")
    assert whole.masks is not None
    boxes = boxes_of(whole.masks).astype(np.float32)
    labels = np.array([1, 2, 3])
    alone = [
        Sample.from_boxes(split, f"drawn/{split}", split, whole.image, boxes, labels) for split in ("train", "test")
    ]
    write_samples(Path("prepared"), alone)
    train("plain", 0, TINY)
    train("compact", 0, UCRD)
    compare.main()
    written = Path("reports/default/comparison")
    assert (written / "anchors.png").is_file() and not (written / "gallery-metaphases.png").exists()


def test_equal_anchors_are_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.axes import Axes

    labels, scatter = [], Axes.scatter
    monkeypatch.setattr(
        Axes, "scatter", lambda self, *a, **k: labels.append(k["label"].split(":")[0]) or scatter(self, *a, **k)
    )
    boxes = np.array([[0, 0, 16, 16], [0, 0, 20, 40]], dtype=np.float32)
    paper = DetectorConfig("ucrd-net", levels=(2, 3), anchors="paper")
    draw_anchors(tmp_path / "anchors.png", boxes, {"tiny": TINY, "paper": paper, "same": UCRD})
    assert labels == ["training boxes", "tiny, same", "paper"]
    assert size_of(tmp_path / "anchors.png")[0] > 100
