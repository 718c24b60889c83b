"""Teaching a cascade's verifier: which pictures, and going on after an interruption."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from chromseg.annotations import Sample, write_samples
from chromseg.annotations.index import SampleEntry
from chromseg.config import ModelConfig
from chromseg.errors import DataError, ModelError
from chromseg.models.package import ModelCard, write_card
from chromseg.models.verifier import FIGURES, PLANES, SIZE
from pipelines.profile import Profile
from pipelines.teaching import lessons, teach

STAINS = {"q": "q-band", "q-laid": "q-band", "g": "g-band"}


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    """Six training metaphases of each of two Q-band sets and of a G-band one, and one of other splits and kinds."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("{}")
    mask = np.zeros((1, 20, 20), dtype=bool)
    mask[0, 5:15, 8:12] = True
    image = np.zeros((20, 20), dtype=np.float32)
    wanted = [(name, "train", "metaphase", index) for name in STAINS for index in range(6)]
    others = [("q", "val", "metaphase", 7), ("g", "test", "metaphase", 7), ("g", "train", "cutout", 7)]
    write_samples(
        Path("prepared"),
        (
            Sample.from_masks(f"{name}-{split}-{kind}-{index}", f"{name}/{index}", split, kind, image, mask)
            for name, split, kind, index in (*wanted, *others)
        ),
    )
    return Profile("default")


def test_each_stain_gives_as_many_metaphases_of_each_of_its_sets(profile: Profile) -> None:
    chosen = lessons(profile, STAINS, 4)
    assert [entry.dataset for entry in chosen] == ["q"] * 2 + ["q-laid"] * 2 + ["g"] * 4
    assert all(entry.split == "train" and entry.kind == "metaphase" for entry in chosen)
    assert len(lessons(profile, STAINS, 100)) == 18
    assert lessons(profile, STAINS, 0) == []
    with pytest.raises(DataError, match="no training metaphase"):
        lessons(profile, {"unknown": "dapi"}, 4)


def keep(kept: Path, entries: list[SampleEntry], best: float) -> None:
    """Outlines at random, none of a higher IoU."""
    draw = np.random.default_rng(0)
    kept.mkdir(exist_ok=True)
    for entry in entries:
        np.savez(
            kept / f"{entry.name}.npz",
            views=draw.integers(0, 255, (8, PLANES, *SIZE)).astype(np.uint8),
            figures=draw.normal(size=(8, FIGURES)).astype(np.float32),
            ious=best * draw.random(8).astype(np.float32),
            truths=draw.integers(0, 255, (8, *SIZE)).astype(np.uint8),
            stains=np.full(8, STAINS[entry.dataset]),
        )


def test_an_interrupted_build_goes_on_with_the_outlines_it_has(profile: Profile) -> None:
    """All were cut before, so nobody asks for the cascade's weights, which are not there."""
    card = ModelCard("cascade", ModelConfig("unet"), chromosome_width=24.0)
    entries, kept, cascade = lessons(profile, STAINS, 2), Path("kept"), Path("cascade")
    write_card(cascade, card)
    with pytest.raises(ModelError, match=r"chromosomes of any width; .*--lessons 0"):
        teach(cascade, profile.prepared, entries, STAINS, kept)
    write_card(cascade, dataclasses.replace(card, preprocessing={"scaled": True}))
    keep(kept, entries, best=0.4)
    with pytest.raises(DataError, match="no outline of half a chromosome in 4 training metaphases"):
        teach(cascade, profile.prepared, entries, STAINS, kept)
    keep(kept, entries, best=1.0)
    taught = teach(cascade, profile.prepared, entries, STAINS, kept)
    assert not any(network.training for network in taught) and not kept.exists()
