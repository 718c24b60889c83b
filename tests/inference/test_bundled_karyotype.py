"""The bundled model that names chromosomes, on the built-in pictures that it was not trained on."""

from __future__ import annotations

import numpy as np
import pytest
from clone import Clone

from chromseg.annotations import load_image, load_masks, read_dataset
from chromseg.inference.karyotyping import karyotyper_from_folder
from chromseg.karyogram.cell import cell_of
from chromseg.models.package import read_card

CHANCE = 1 / 24


@pytest.mark.slow
def test_it_names_unseen_cells_far_better_than_chance_and_its_card_says_how_well(clone: Clone) -> None:
    clone.dvc("pull", "data.dvc", "bundled.dvc")
    karyotyper = karyotyper_from_folder(clone.folder / "bundled" / "karyotype")
    dataset = read_dataset(clone.folder / "data" / "mfish-sample")
    right = []
    for image in dataset.images:
        if image.split == "train":
            continue
        karyogram = karyotyper.placed(cell_of(load_image(dataset, image), load_masks(dataset, image)))
        truth = [dataset.categories[each.category_id] for each in dataset.instances_of[image.id] if not each.iscrowd]
        right += [each.name == name for each, name in zip(karyogram.chromosomes, truth, strict=True)]
    assert len(right) > 150, "four pictures are of other cases than it was trained on"
    assert np.mean(right) > 10 * CHANCE
    metrics = read_card(clone.folder / "bundled" / "karyotype").metrics
    for key in ("test/class_acc", "test/slice/stain/g-band/class_acc", "test/slice/stain/dapi/class_acc"):
        assert CHANCE < (metrics[key] or 0) <= 1
