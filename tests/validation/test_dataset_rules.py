"""Every expectation of a dataset: one planted defect makes that rule fire, and no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn_dataset import SIDE, Draft, clean_draft, instance, maps_draft
from input_corpus import blur
from PIL import Image

from chromseg.annotations import InstanceRecord
from chromseg.errors import DataError
from chromseg.validation import DatasetLimits, ImageLimits, validate_dataset
from chromseg.validation.rules import annotated_image_rules, annotation_rules, dataset_rules

DEFAULT = DatasetLimits()
Plant = Callable[[Draft], None]
Spoil = Callable[[Path], None]


def pixels(spoil: Callable[[np.ndarray], np.ndarray]) -> Plant:
    """Replace the pixels of image 2."""

    def plant(draft: Draft) -> None:
        draft.pixels[2] = spoil(draft.pixels[2])

    return plant


def blurred(sigma: float) -> Plant:
    return pixels(lambda grey: blur(grey, sigma))


def image(index: int = 1, **values: object) -> Plant:
    return lambda draft: draft.change_image(index, **values)


def annotation(index: int = 0, **values: object) -> Plant:
    return lambda draft: draft.change_instance(index, **values)


def polygon(points: list[float]) -> Plant:
    return annotation(segmentation=[points])


def noise(a: np.ndarray) -> np.ndarray:
    return np.clip(np.random.default_rng(0).normal(128, 40, a.shape), 0, 255).astype(np.uint8)


def shrink_image(draft: Draft) -> None:
    """An image of 10 px whose record and annotation agree with it."""
    draft.pixels[2] = draft.pixels[2][:10, :10]
    draft.change_image(1, width=10, height=10)
    draft.instances = [found for found in draft.instances if found.image_id != 2]
    draft.instances.append(instance(20, 2, [1.0, 1.0, 9.0, 1.0, 9.0, 9.0, 1.0, 9.0]))


def copy_image(source: int, target: int) -> Plant:
    """Give one image the pixels and outlines of another, its own case and split kept."""

    def plant(draft: Draft) -> None:
        draft.pixels[target] = draft.pixels[source]
        take_outlines(draft, source, target)

    return plant


def take_outlines(draft: Draft, source: int, target: int) -> None:
    draft.instances = [found for found in draft.instances if found.image_id != target] + [
        replace(found, id=found.id + 1000, image_id=target) for found in draft.instances if found.image_id == source
    ]


def brighten_copy(draft: Draft) -> None:
    """The metaphase of image 1 (train) again in image 4 (test), exposed and compressed otherwise."""
    draft.pixels[4] = (draft.pixels[1] * 0.8 + np.arange(SIDE) % 2).astype(np.uint8)
    take_outlines(draft, 1, 4)


def outline_twice(draft: Draft) -> None:
    """The first outline again, begun at another point and half a pixel wider."""
    x0, y0, x1, _, _, y1, *_ = draft.instances[0].segmentation[0]
    draft.instances.append(instance(99, 1, [x1, y0, x1, y1, x0, y1, x0, y0 - 0.5]))


def box_twice(draft: Draft) -> None:
    """All outlines of image 1 become boxes, and the first box is there twice."""
    draft.instances = [replace(found, segmentation=[]) if found.image_id == 1 else found for found in draft.instances]
    draft.instances.append(replace(draft.instances[0], id=99))


def remove_annotations(draft: Draft) -> None:
    draft.instances = [found for found in draft.instances if found.image_id != 2]


def remove_test_images(draft: Draft) -> None:
    draft.change_image(3, split="val")


PLANTS: dict[str, Plant] = {
    "not-too-small": shrink_image,
    "not-blank": pixels(lambda a: np.full_like(a, 200)),
    "above-noise": pixels(noise),
    "not-saturated": pixels(lambda a: np.where(a < 200, 0, 235).astype(np.uint8)),
    "in-focus": blurred(13),
    "size-as-recorded": pixels(lambda a: np.pad(a, ((0, 0), (0, 7)), mode="edge")),
    "polarity-as-declared": pixels(lambda a: 255 - a),
    "split-known": image(split="holdout"),
    "case-in-one-split": image(3, case_id="case1"),
    "no-copy-in-other-split": copy_image(1, 4),
    "no-copy": copy_image(1, 2),
    "no-look-alike-in-other-split": brighten_copy,
    "annotated": remove_annotations,
    "annotation-id-unique": annotation(1, id=10),
    "label-known": annotation(category_id=7),
    "box-has-size": annotation(bbox=(10.0, 10.0, 9.0, 0.0)),
    "box-inside": annotation(bbox=(80.0, 10.0, 17.0, 20.0)),
    "box-near-image": annotation(bbox=(80.0, 10.0, 40.0, 20.0)),
    "outline-usable": polygon([4.0, 4.0, 30.0, 30.0]),
    "mask-inside": polygon([-1.5, 4.0, 10.0, 4.0, 10.0, 30.0, -1.5, 30.0]),
    "mask-near-image": polygon([-30.0, 4.0, 10.0, 4.0, 10.0, 30.0, -30.0, 30.0]),
    "area-plausible": polygon([4.0, 4.0, 6.0, 4.0, 6.0, 8.0, 4.0, 8.0]),
    "area-possible": polygon([4.0, 4.0, 5.0, 4.0, 5.0, 5.0, 4.0, 5.0]),
    "no-outline-twice": outline_twice,
    "no-box-twice": box_twice,
    "all-splits": remove_test_images,
}


def truncate(root: Path) -> None:
    path = root / "images" / "2.png"
    path.write_bytes(path.read_bytes()[:-900])


def text_for_picture(root: Path) -> None:
    (root / "images" / "2.png").write_text("see the other folder\n")


def lose(root: Path) -> None:
    (root / "images" / "2.png").unlink()


def float_picture(root: Path, *, spoil: bool) -> None:
    grey = np.asarray(Image.open(root / "images" / "2.png"), dtype=np.float32)
    if spoil:
        grey[5, 5] = np.nan
    (root / "images" / "2.png").unlink()
    Image.fromarray(grey).save(root / "images" / "2.tif")
    edit(root, lambda coco: coco["images"][1].update(file_name="2.tif"))


def edit(root: Path, change: Callable[[dict], object]) -> None:
    path = root / "annotations.json"
    coco = json.loads(path.read_text())
    change(coco)
    path.write_text(json.dumps(coco))


def twice_the_id(coco: dict) -> None:
    """Image 3 takes the id of image 2 and leaves its own annotations out."""
    coco["annotations"] = [entry for entry in coco["annotations"] if entry["image_id"] != 3]
    coco["images"][2]["id"] = 2


SPOILS: dict[str, list[Spoil]] = {
    "readable": [truncate, text_for_picture, lose],
    "depth-allowed": [lambda root: float_picture(root, spoil=False)],
    "contract-kept": [
        lambda root: (root / "annotations.json").write_text("{}"),
        lambda root: (root / "annotations.json").write_text(""),
        lambda root: (root / "dataset.yaml").unlink(),
        lambda root: edit(root, lambda coco: coco["images"][0].pop("split")),
        lambda root: edit(root, lambda coco: coco["annotations"][0].update(image_id=99)),
        lambda root: edit(root, lambda coco: coco["annotations"][0].update(segmentation=5)),
        lambda root: edit(root, lambda coco: coco["annotations"][0].update(bbox=[1, 2, 3])),
    ],
    "has-images": [lambda root: edit(root, lambda coco: coco.update(images=[], annotations=[]))],
}


def fired(root: Path, limits: DatasetLimits = DEFAULT) -> set[str]:
    return {failure.rule for failure in validate_dataset(root, limits, light=True).failures}


@pytest.mark.parametrize("make", [clean_draft, maps_draft])
def test_clean_sets_pass(make: Callable[[], Draft], tmp_path: Path) -> None:
    report = validate_dataset(make().write(tmp_path / "drawn"), light=True)
    assert report.ok
    assert report.failures == ()
    assert all(check.n_failed == 0 for check in report.checks)


@pytest.mark.parametrize("rule", PLANTS)
def test_planted_defect_fires_its_rule_alone(rule: str, tmp_path: Path) -> None:
    draft = clean_draft()
    PLANTS[rule](draft)
    assert fired(draft.write(tmp_path / "drawn")) == {rule}


@pytest.mark.parametrize(("rule", "number"), [(rule, k) for rule, spoils in SPOILS.items() for k in range(len(spoils))])
def test_spoilt_files_fire_their_rule_alone(rule: str, number: int, tmp_path: Path) -> None:
    root = clean_draft().write(tmp_path / "drawn")
    SPOILS[rule][number](root)
    assert fired(root) == {rule}


def test_nan_in_a_float_picture(tmp_path: Path) -> None:
    root = clean_draft().write(tmp_path / "drawn")
    float_picture(root, spoil=True)
    assert fired(root, DatasetLimits(image=ImageLimits(depths=(8, 32)))) == {"finite"}


def test_image_ids_unique(tmp_path: Path) -> None:
    root = clean_draft().write(tmp_path / "drawn")
    edit(root, twice_the_id)
    assert fired(root) == {"image-id-unique", "annotated"}  # the second of the two has nothing of its own


def test_size_limit(tmp_path: Path) -> None:
    root = clean_draft().write(tmp_path / "drawn")
    assert fired(root, DatasetLimits(image=ImageLimits(max_megapixels=0.001))) == {"not-too-large"}


def test_missing_ground_is_told(tmp_path: Path) -> None:
    root = clean_draft().write(tmp_path / "drawn")
    assert fired(root, DatasetLimits(image=ImageLimits(soft_foreground=0.01))) == {"shows-ground"}


def test_crossing_outside_the_chromosome_map(tmp_path: Path) -> None:
    draft = maps_draft()
    draft.maps[2][0][0, 0:3] = True
    report = validate_dataset(draft.write(tmp_path / "drawn"), light=True)
    (failure,) = report.failures
    assert (failure.rule, failure.file, failure.column, failure.value) == (
        "crossing-in-chromosome",
        "2.png",
        "crossing_outside_px",
        3,
    )


@pytest.mark.parametrize("spoil", ["missing", "other size"])
def test_maps_must_fit(spoil: str, tmp_path: Path) -> None:
    root = maps_draft().write(tmp_path / "drawn")
    path = root / "maps" / "crossing" / "2.png"
    path.unlink() if spoil == "missing" else Image.new("L", (7, 7)).save(path)
    assert fired(root) == {"maps-usable"}


def test_polarity_of_maps_sets(tmp_path: Path) -> None:
    draft = maps_draft()
    draft.pixels[2] = 255 - draft.pixels[2]
    assert fired(draft.write(tmp_path / "drawn")) == {"polarity-as-declared"}


def test_polarity_and_boxes_of_box_only_sets(tmp_path: Path) -> None:
    draft = clean_draft()
    draft.instances = [replace(found, segmentation=[]) for found in draft.instances]
    assert fired(draft.write(tmp_path / "clean")) == set()
    draft.pixels[2] = 255 - draft.pixels[2]
    assert fired(draft.write(tmp_path / "drawn")) == {"polarity-as-declared"}


def test_sparse_fields_and_unlabelled_bits_are_fine(tmp_path: Path) -> None:
    draft = clean_draft()
    keep = {10, 11, 20, 30, 31, 40}
    draft.instances = [found for found in draft.instances if found.id in keep]
    assert fired(draft.write(tmp_path / "drawn")) == set()


def test_crowds_may_have_any_size(tmp_path: Path) -> None:
    draft = clean_draft()
    outline = [[1.0, 1.0, 2.0, 1.0, 2.0, 2.0, 1.0, 2.0]]
    draft.instances.append(InstanceRecord(99, 1, 1, outline, (1.0, 1.0, 5.0, 5.0), 1.0, iscrowd=1))
    assert fired(draft.write(tmp_path / "drawn")) == set()


def test_chromosomes_without_outlines_may_share_their_pixels(tmp_path: Path) -> None:
    """Those of a tangle do: of each, `data outline` knows the pixels that are dark in its box."""
    draft = clean_draft()
    first, *others = draft.instances
    unknown = replace(first, iscrowd=1, quality="box")
    draft.instances = [unknown, replace(unknown, id=99), *others]
    assert fired(draft.write(tmp_path / "unknown")) == set()
    draft.instances = [first, replace(unknown, id=99), *others]
    assert fired(draft.write(tmp_path / "hidden")) == {"no-outline-twice"}, "none of it would count"


@pytest.mark.parametrize(
    "segmentation", [{"size": [3, 3], "counts": "05"}, {"size": [SIDE, SIDE]}, [["a", "b"]], [[1.0] * 7]]
)
def test_whatever_a_segmentation_holds_is_a_failure_not_an_exception(segmentation: object, tmp_path: Path) -> None:
    root = clean_draft().write(tmp_path / "drawn")
    edit(root, lambda coco: coco["annotations"][0].update(segmentation=segmentation))
    assert fired(root) == {"outline-usable"}


def test_one_pixel_over_the_rim_is_a_warning_a_stride_is_critical(tmp_path: Path) -> None:
    draft = clean_draft()
    PLANTS["box-inside"](draft)
    report = validate_dataset(draft.write(tmp_path / "drawn"), light=True)
    assert report.ok
    assert str(report.failures[0]).startswith(
        "warning: 1.png, annotation 10: box_outside_px is 1, expected at most 0 px"
    )
    assert not validate_dataset(tmp_path / "drawn", DatasetLimits(box_tolerance=0.5), light=True).ok


def test_failures_name_the_other_image(tmp_path: Path) -> None:
    draft = clean_draft()
    PLANTS["no-copy-in-other-split"](draft)
    (failure,) = validate_dataset(draft.write(tmp_path / "drawn"), light=True).failures
    assert (failure.file, failure.value) == ("4.png", "1.png (train, case case1)")


def test_no_such_dataset(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="data import"):
        validate_dataset(tmp_path / "nowhere")


def test_every_rule_has_its_plant() -> None:
    limits = DatasetLimits()
    rules = (*dataset_rules(), *annotated_image_rules(limits, "dark-on-light"), *annotation_rules(limits, (1,), 1.0))
    elsewhere = {
        "finite": test_nan_in_a_float_picture,
        "image-id-unique": test_image_ids_unique,
        "not-too-large": test_size_limit,
        "shows-ground": test_missing_ground_is_told,
        "crossing-in-chromosome": test_crossing_outside_the_chromosome_map,
        "maps-usable": test_maps_must_fit,
        "grey": "test_input_rules.py: datasets are read grey",
        "counts-once": "test_sets_together.py: it takes two sets",
        "sharp": "test_input_rules.py: it takes wide chromosomes",
        "focused": "test_input_rules.py: likewise",
        "few-objects": "test_input_rules.py: it takes a large page",
    }
    assert {rule.name for rule in rules} == PLANTS.keys() | SPOILS.keys() | elsewhere.keys()
