"""A test picture that is a training picture of another set stops every stage; corrections replace outlines."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from test_train import TINY
from tiny_boxes import write_boxes

from chromseg.annotations import Dataset, encode_rle, read_dataset, read_samples, write_dataset
from chromseg.annotations.hashing import md5_of_test
from chromseg.annotations.identity import pixel_hash
from chromseg.annotations.index import read_index
from chromseg.annotations.seen import Seen
from chromseg.config import variant_config
from chromseg.errors import DataError
from chromseg.models.package import read_card, write_card
from chromseg.validation import ValidateConfig
from pipelines import evaluate, prepare, train
from pipelines.profile import Profile
from pipelines.selection import behind, corrections
from pipelines.unseen import seen_by
from pipelines.validate import validate

BOTH = {"validate": {"datasets": ["boxes", "fixes"]}, "prepare": {"datasets": ["boxes", "fixes"]}}


def correct(root: Path, number: int, split: str, suffix: str = ".png") -> None:
    """data/fixes: one picture of data/boxes under another name, outlined anew: one chromosome, by its mask."""
    boxes = read_dataset(root / "data" / "boxes")
    image = replace(boxes.images[number - 1], file_name=f"anew{suffix}", split=split)
    mask = np.zeros((image.height, image.width), dtype=bool)
    mask[5:20, 5:15] = True
    instance = replace(
        boxes.instances_of[number][0], segmentation=encode_rle(mask), bbox=(5.0, 5.0, 10.0, 15.0), area=150.0
    )
    fixes = Dataset(root / "data" / "fixes", replace(boxes.card, name="fixes"), (image,), (instance,), boxes.categories)
    write_dataset(fixes, {image.id: boxes.root / "images" / boxes.images[number - 1].file_name})
    if suffix != ".png":
        Image.open(boxes.root / "images" / boxes.images[number - 1].file_name).save(
            fixes.root / "images" / image.file_name
        )


@pytest.fixture
def lab(store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with three boxed pictures (train, val, test), whose profile names a set of corrections too."""
    write_boxes(store / "data")
    (store / "params.yaml").write_text(yaml.safe_dump(TINY | BOTH))
    monkeypatch.setattr(sys, "argv", ["prepare"])
    return store


def run(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [stage.__name__, "--variant", "tiny"])
    stage.main()


def settings() -> tuple[Profile, Any]:
    profile = Profile()
    return profile, variant_config(profile.params, "tiny")


def test_a_corrected_test_picture_that_trains_stops_validate_and_prepare(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    correct(lab, 3, "train", suffix=".tif")
    assert validate(ValidateConfig(("boxes", "fixes")), lab / "data", lab / "reports") == ["fixes"]
    assert "fixes: critical: anew.tif: copy_in_other_split is boxes/3.png (test, case 3)" in capsys.readouterr().out
    with pytest.raises(DataError, match=r"fixes/anew.tif \(train.*boxes/3.png \(test"):
        prepare.main()
    assert not (lab / "prepared").exists()


def test_train_refuses_what_somebody_prepared_otherwise(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    correct(lab, 3, "test")
    prepare.main()
    entries = json.loads((lab / "prepared/index.json").read_text())
    again = next(entry for entry in entries if entry["split"] == "test") | {"name": "copy", "case_id": "fixes/9"}
    for leak in ({"split": "train"}, {"split": "train", "picture": "0" * 16}):  # the same pixels, and a look-alike
        (lab / "prepared/index.json").write_text(json.dumps([*entries, again | leak]))
        with pytest.raises(DataError, match=r"copy \(train, case fixes/9\) shows the metaphase of boxes-3 \(test"):
            run(train, monkeypatch)
    old = [{key: entry[key] for key in ("name", "case_id", "split", "kind")} for entry in entries]
    (lab / "prepared/index.json").write_text(json.dumps(old))
    with pytest.raises(DataError, match="another version"):
        run(train, monkeypatch)
    assert not (lab / "models").exists()


@pytest.mark.parametrize(("order", "masks"), [(["boxes", "fixes"], 1), (["fixes", "boxes"], 1)])
def test_a_picture_counts_once_by_the_later_outlines(
    order: list[str], masks: int, lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    correct(lab, 1, "train")
    (lab / "params.yaml").write_text(yaml.safe_dump(TINY | {"prepare": {"datasets": order}}))
    prepare.main()
    samples = {sample.picture: sample for sample in read_samples(lab / "prepared")}
    assert len(samples) == len(read_index(lab / "prepared")) == 3
    own = pixel_hash(np.asarray(Image.open(lab / "data/boxes/images/1.png")))
    sample = samples[own]
    assert sample.masks is not None and len(sample.masks) == masks, "outlines win over boxes in any order"
    assert (sample.outlines, sample.case_id) == ("fixes", f"{order[0]}/1")
    assert ("1 pictures of boxes go by the outlines of fixes" in capsys.readouterr().err) == (order[0] == "boxes")


def test_of_two_sets_with_outlines_the_later_one_is_right(lab: Path) -> None:
    correct(lab, 1, "train")
    shutil.move(lab / "data/fixes", lab / "data/first")
    correct(lab, 1, "train")
    coco = json.loads((lab / "data/fixes/annotations.json").read_text())
    coco["annotations"].append(coco["annotations"][0] | {"id": 99})
    (lab / "data/fixes/annotations.json").write_text(json.dumps(coco))
    for order, masks in ((["first", "fixes"], 2), (["fixes", "first"], 1)):
        (lab / "params.yaml").write_text(yaml.safe_dump(TINY | {"prepare": {"datasets": order}}))
        prepare.main()
        (sample,) = read_samples(lab / "prepared")
        assert sample.masks is not None and len(sample.masks) == masks


def test_the_lineage_names_what_corrected_its_pictures_and_what_it_has_seen(
    lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    correct(lab, 3, "test")
    prepare.main()
    profile, config = settings()
    assert corrections(profile, *behind(profile, config)) == ["fixes"]
    run(train, monkeypatch)
    card = read_card(Path("models/tiny-0"))
    hashes = [pixel_hash(np.asarray(Image.open(f"data/boxes/images/{number}.png"))) for number in (1, 2, 3)]
    seen = Seen.of(hashes[:2], tested=hashes[2:])
    assert card.seen == seen.to_card(), "training and validation pictures are seen, test pictures are not"
    assert card.lineage["seen_sha256"] == seen.sha256()
    assert set(card.lineage["data_md5"]) == {"boxes", "fixes"}
    boxes, fixes = Path("data/boxes"), Path("data/fixes")
    assert card.lineage["test_md5"] == md5_of_test([boxes], [fixes]) != md5_of_test([boxes])
    assert json.loads(Path("models/tiny-0/run.json").read_text())["tags"]["seen_sha256"] == seen.sha256()


def test_a_model_is_not_judged_on_what_it_or_its_parent_saw(
    lab: Path, monkeypatch: pytest.MonkeyPatch, make_model: Callable[..., Path]
) -> None:
    (lab / "params.yaml").write_text(yaml.safe_dump(TINY))
    prepare.main()
    profile, config = settings()
    tested = pixel_hash(np.asarray(Image.open("data/boxes/images/3.png")))
    parent = make_model("parent")
    write_card(parent, replace(read_card(parent), seen=Seen.of([tested], ["x"]).to_card()))
    with pytest.raises(DataError, match=r"trained on 1 of the 1 pictures it is to be judged on, boxes-3 first"):
        seen_by(profile, replace(config, init=str(parent)), "tiny")
    (parent / "backbone.safetensors").touch()
    backbone = replace(config.model, weights=str(parent / "backbone.safetensors"))
    with pytest.raises(DataError, match="boxes-3"):
        seen_by(profile, replace(config, model=backbone), "tiny")
    with pytest.raises(DataError, match="boxes-3"):
        seen_by(profile, replace(config, train_on=("train", "val", "test")), "tiny")

    run(train, monkeypatch)
    model = Path("models/tiny-0")
    card = read_card(model)
    write_card(model, replace(card, seen=Seen.of([tested]).to_card()))
    with pytest.raises(DataError, match=r"tiny-0.*was trained on 1 of the 1"):
        run(evaluate, monkeypatch)
    assert not Path("reports/default/scores").exists()


def test_what_a_source_does_not_say_stays_unknown(lab: Path, make_model: Callable[..., Path]) -> None:
    (lab / "params.yaml").write_text(yaml.safe_dump(TINY))
    prepare.main()
    profile, config = settings()
    old = str(make_model("old"))
    Path("somewhere.pth").touch()
    for source, unknown in ((old, (old,)), ("imagenet", ()), ("somewhere.pth", ("somewhere.pth",))):
        seen = seen_by(profile, replace(config, model=replace(config.model, weights=source)), "tiny")
        assert seen.unknown == unknown
    assert seen_by(profile, replace(config, init=old), "tiny").unknown == (old,)
