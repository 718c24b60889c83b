"""Which samples a variant is chosen and judged by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from chromseg.annotations import Dataset, DatasetCard, ImageRecord, InstanceRecord, Sample, encode_rle, write_dataset
from chromseg.annotations.index import KINDS
from chromseg.annotations.samples import write_samples
from chromseg.config import variant_config
from pipelines.profile import Profile
from pipelines.selection import held_out, judging_samples, known_pictures, training, validation

STAINS = {"fields": "g-band", "spots": "dapi", "dots": "dapi"}
PARAMS: dict[str, Any] = {
    "prepare": {"datasets": ["fields", "spots"]},
    "train": {
        "base": {"model": {"architecture": "unet"}, "samples": ["metaphase"]},
        "variants": {"all": {}, "one": {"judged_on": ["spots"]}},
    },
    "evaluate": {"dataset": "fields", "also": ["spots"], "looks": ["fields", "dots"]},
}


@pytest.fixture
def profile(project: Path) -> Profile:
    """Three sets of two stains, each with one picture a split."""
    (project / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    mask = np.zeros((60, 80), dtype=bool)
    mask[20:30, 10:60] = True
    for number, (name, stain) in enumerate(STAINS.items(), start=1):
        card = DatasetCard(name, stain, "dark-on-light", "drawn", "CC0", "none", "test", "1")
        splits = enumerate(("train", "val", "test"), start=1)
        images = tuple(ImageRecord(each, f"{split}.png", 80, 60, split, split) for each, split in splits)
        instances = tuple(
            InstanceRecord(each.id, each.id, 1, encode_rle(mask), (10.0, 20.0, 50.0, 10.0), 500.0) for each in images
        )
        greys = {each.id: np.where(mask, 100 + number, 220 + each.id).astype(np.uint8) for each in images}
        write_dataset(Dataset(project / "data" / name, card, images, instances, {1: "chromosome"}), greys)
    return Profile()


@pytest.mark.parametrize(("variant", "judges"), [("all", ("fields", "spots")), ("one", ("spots",))])
def test_a_variant_is_chosen_and_judged_on_its_own_sets_and_trains_on_all(
    profile: Profile, variant: str, judges: tuple[str, ...]
) -> None:
    config = variant_config(profile.params, variant)
    assert validation(profile, config, "metaphase").datasets == judges
    assert held_out(profile, config, "test").datasets == judges
    assert training(profile, config).datasets == ()


def test_it_knows_the_look_of_the_stains_that_it_is_judged_on(profile: Profile) -> None:
    looks = {
        variant: [stain for stain, _ in known_pictures(profile, variant_config(profile.params, variant), 5)]
        for variant in ("all", "one")
    }
    assert looks == {"all": ["g-band"] * 2 + ["dapi"] * 2, "one": ["dapi"] * 2}


def test_of_cut_outs_only_so_many_of_each_set_judge(profile: Profile) -> None:
    empty = np.zeros((40, 40), dtype=np.float32)
    mask = np.zeros((1, 40, 40), dtype=bool)
    mask[0, 10:20, 5:35] = True
    cases = [(name, kind, number) for name in ("fields", "spots") for kind in KINDS for number in range(4)]
    samples = [
        Sample.from_masks(f"{name}-{kind}-{number}", f"{name}/{number}", "test", kind, empty, mask)
        for name, kind, number in cases
    ]
    write_samples(profile.prepared, samples)
    part = held_out(profile, variant_config(profile.params, "all"), "test", "cutout")
    assert len(list(judging_samples(profile, part))) == 8
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS | {"evaluate": PARAMS["evaluate"] | {"cutouts": 2}}))
    names = sorted(sample.name for sample in judging_samples(profile, part))
    assert names == ["fields-cutout-0", "fields-cutout-2", "spots-cutout-0", "spots-cutout-2"]
    whole = held_out(profile, variant_config(profile.params, "all"), "test", "metaphase")
    assert len(list(judging_samples(profile, whole))) == 8
