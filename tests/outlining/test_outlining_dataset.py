"""From boxes to instances: outlines come back where boxes and a model tell them, all else is ignored."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from knowing import WEIGHTS, Knowing
from PIL import Image

from chromseg.annotations import (
    Dataset,
    load_ignored,
    rasterize,
    read_dataset,
)
from chromseg.annotations.collection import collect
from chromseg.annotations.preparation import samples_of_picture
from chromseg.errors import DataError
from chromseg.outlining import outline_dataset
from chromseg.outlining.picture import outline_boxes
from chromseg.outlining.sheet import draw_outlines, write_sheet
from chromseg.synthesis.box_singles import MARGIN
from chromseg.validation import DatasetLimits, validate_datasets

Truth = dict[str, np.ndarray]
Clusters = dict[str, list[tuple[int, ...]]]


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def instances(dataset: Dataset, name: str) -> list:
    image = next(image for image in dataset.images if image.file_name == name)
    return list(dataset.instances_of[image.id])


def test_single_chromosomes_get_their_outline_and_all_else_is_ignored(
    root: Path, truth: Truth, in_clusters: Clusters
) -> None:
    made = outline_dataset(root, "boxes", "outlined").dataset
    assert made == read_dataset(root / "outlined")
    ious = []
    for image in made.images:
        masks, each = truth[image.file_name], made.instances_of[image.id]
        found = load_ignored(made, image)
        ignored = np.zeros(masks.shape[1:], dtype=bool) if found is None else found
        together = {index for indices in in_clusters[image.file_name] for index in indices}
        assert len(each) == len(masks) == 46
        for index, (mask, one) in enumerate(zip(masks, each, strict=True)):
            region = rasterize(one.segmentation, image.height, image.width)
            if one.quality == "derived":
                assert index not in together and (one.iscrowd, one.cut_by) == (0, "")
                assert not (region & ignored).any()
                ious.append(iou(region, mask))
            else:
                assert (one.quality, one.iscrowd) == ("box", 1)
                assert (mask & region).sum() > 0.75 * mask.sum(), "its dark pixels"
                assert (region & ~ignored).sum() == 0
        assert sum(one.quality == "derived" for one in each) >= 25
    assert np.quantile(ious, 0.05) > 0.8 and np.median(ious) > 0.85


def test_clusters_that_the_model_cuts_rightly_are_known_too(root: Path, truth: Truth, in_clusters: Clusters) -> None:
    alone = outline_dataset(root, "boxes", "outlined").shares()
    found = outline_dataset(root, "boxes", "outlined", predictor=Knowing(truth))
    shares = found.shares()
    assert shares.alone == alone.alone and shares.ignored == 0 and shares.cut == alone.ignored > 20
    for image in found.dataset.images:
        for mask, one in zip(truth[image.file_name], found.dataset.instances_of[image.id], strict=True):
            if one.cut_by:
                assert one.cut_by == WEIGHTS
                np.testing.assert_array_equal(rasterize(one.segmentation, image.height, image.width), mask)
        ignored, chromosome = load_ignored(found.dataset, image), truth[image.file_name].any(axis=0)
        if ignored is not None:  # ground that chromosomes enclose
            assert not (ignored & chromosome).any() and ignored.sum() < 0.02 * chromosome.sum(), image.file_name


def test_a_cluster_that_the_model_cuts_wrongly_is_ignored_and_no_other(
    root: Path, drawn: Dataset, truth: Truth, in_clusters: Clusters
) -> None:
    """It takes the two first chromosomes of the first cluster for one."""
    name = drawn.images[0].file_name
    wrong, others = in_clusters[name][0], in_clusters[name][1:]

    def merge(masks: np.ndarray) -> np.ndarray:
        if masks is not truth[name]:
            return masks
        rest = [mask for index, mask in enumerate(masks) if index not in wrong[:2]]
        return np.stack([*rest, masks[wrong[0]] | masks[wrong[1]]])

    found = outline_dataset(root, "boxes", "outlined", predictor=Knowing(truth, merge))
    each = instances(found.dataset, name)
    assert [index for index, one in enumerate(each) if one.quality == "box"] == sorted(wrong)
    assert all(each[index].cut_by == WEIGHTS for indices in others for index in indices)
    assert found.shares().ignored == len(wrong)


def test_what_the_model_loses_of_a_chromosome_is_ignored(
    root: Path, drawn: Dataset, truth: Truth, in_clusters: Clusters
) -> None:
    name = drawn.images[0].file_name
    index = in_clusters[name][0][0]
    others = np.delete(truth[name], index, axis=0).any(axis=0)
    rows = np.flatnonzero(truth[name][index].any(axis=1))
    lost = truth[name][index].copy()
    lost[: rows[-1] - len(rows) // 6] = False

    def shorten(masks: np.ndarray) -> np.ndarray:
        return np.stack([mask & ~lost if one == index else mask for one, mask in enumerate(masks)])

    found = outline_dataset(root, "boxes", "outlined", predictor=Knowing(truth, shorten), limit=1).dataset
    assert instances(found, name)[index].cut_by == WEIGHTS
    ignored = load_ignored(found, found.images[0])
    assert ignored is not None and (ignored & lost).sum() > 0.6 * (lost & ~others).sum() > 20


def test_pictures_cases_splits_and_classes_stay(root: Path, truth: Truth) -> None:
    source = read_dataset(root / "boxes")
    made = outline_dataset(root, "boxes", "outlined", predictor=Knowing(truth)).dataset
    assert [replace(image, ignore={}) for image in made.images] == list(source.images)
    assert made.categories == source.categories
    for image in source.images:
        pictures = [(dataset.root / "images" / image.file_name).read_bytes() for dataset in (source, made)]
        assert pictures[0] == pictures[1]
        classes = [[one.category_id for one in dataset.instances_of[image.id]] for dataset in (source, made)]
        assert classes[0] == classes[1]
    card = yaml.safe_load((root / "outlined/dataset.yaml").read_text())
    assert (card["name"], card["stain"], card["importer"]) == ("outlined", "g-band", "outline")
    assert card["options"] == {
        "laid_from": "boxes",
        "outlined_from": "boxes",
        "model": {"name": "knowing", "version": "3", "weights_sha256": WEIGHTS},
    }


def test_the_set_is_valid_and_goes_with_its_boxes(root: Path, truth: Truth) -> None:
    """Used together, pictures go by the outlines, marked as derived; what is ignored reaches the samples."""
    made = outline_dataset(root, "boxes", "outlined").dataset
    reports = validate_datasets([root / "boxes", root / "outlined"], DatasetLimits())
    assert all(report.ok for report in reports), [str(each) for report in reports for each in report.failures]
    pictures = collect([read_dataset(root / "boxes"), made])
    assert len(pictures) == 4
    whole = next(iter(samples_of_picture(pictures[0])))
    assert whole.derived and whole.ignored is not None and whole.dataset == "boxes"


def test_equal_boxes_and_model_give_equal_files(root: Path, truth: Truth) -> None:
    outline_dataset(root, "boxes", "one", predictor=Knowing(truth))
    before = (root / "one/annotations.json").read_bytes()
    outline_dataset(root, "boxes", "one", predictor=Knowing(truth))
    assert (root / "one/annotations.json").read_bytes() == before


def test_it_is_repeated_as_models_get_better_and_takes_no_other_sets_place(root: Path, truth: Truth) -> None:
    first = outline_dataset(root, "boxes", "outlined", limit=1)
    assert len(first.dataset.images) == 1 and first.dataset.card.options["limit"] == 1
    assert len(outline_dataset(root, "boxes", "outlined").dataset.images) == 4
    boxes = (root / "boxes/annotations.json").read_bytes()
    for taken in ("boxes", "other", "folder"):
        if taken == "other":
            outline_dataset(root, "boxes", "other")
            (root / "renamed").mkdir()
            (root / "boxes").rename(root / "again")
        elif taken == "folder":
            (root / "folder").mkdir()
        source = "boxes" if taken == "boxes" else "again"
        with pytest.raises(DataError, match=f"{taken}, which exists and is no earlier outlining of {source}"):
            outline_dataset(root, source, taken)
    assert (root / "again/annotations.json").read_bytes() == boxes and not any((root / "folder").iterdir())


@pytest.mark.parametrize("left", ["outlines", "nothing", "maps"])
def test_a_set_without_boxes_alone_is_refused(root: Path, drawn: Dataset, left: str) -> None:
    content = json.loads((root / "boxes/annotations.json").read_text())
    if left == "outlines":
        content["annotations"][0]["segmentation"] = [[0, 0, 9, 0, 9, 9]]
    elif left == "maps":
        (root / "boxes/maps").mkdir()
    else:
        content["annotations"] = []
    (root / "boxes/annotations.json").write_text(json.dumps(content))
    got = {"outlines": "with outlines", "nothing": "with no boxes", "maps": "with maps"}[left]
    with pytest.raises(DataError, match=f"boxes {got}; expected a set of boxes alone"):
        outline_dataset(root, "boxes", "outlined")
    assert not (root / "outlined").exists()


def test_a_missing_set_and_an_unfit_name_are_refused(root: Path) -> None:
    with pytest.raises(DataError, match=r"no .*nowhere/dataset\.yaml"):
        outline_dataset(root, "nowhere", "outlined")
    with pytest.raises(DataError, match=r"dataset name '\.\./up'.*choose another --into"):
        outline_dataset(root, "boxes", "../up")


def test_a_picture_that_the_model_refuses_keeps_what_lies_alone(root: Path, drawn: Dataset, truth: Truth) -> None:
    name, told = drawn.images[0].file_name, []
    found = outline_dataset(root, "boxes", "outlined", predictor=Knowing(truth, refuses=(name,)), tell=told.append)
    assert found.refused.keys() == {name} and "a blurred picture" in found.refused[name]
    assert told[0] == f"1 of 4: {name}: {found.refused[name]}" and told[1].startswith("2 of 4: ")
    kinds = {(one.quality, bool(one.cut_by)) for one in instances(found.dataset, name)}
    assert kinds == {("derived", False), ("box", False)}


def test_a_failure_leaves_the_older_set(root: Path, truth: Truth) -> None:
    outline_dataset(root, "boxes", "outlined")
    before = (root / "outlined/annotations.json").read_bytes()
    Image.new("L", (10, 10)).save(root / "boxes/images" / read_dataset(root / "boxes").images[-1].file_name)
    with pytest.raises(DataError, match="has 10×10 pixels"):
        outline_dataset(root, "boxes", "outlined")
    assert (root / "outlined/annotations.json").read_bytes() == before
    assert sorted(path.name for path in root.iterdir()) == ["boxes", "outlined"]


def test_counts_are_those_of_the_file(root: Path, truth: Truth) -> None:
    found = outline_dataset(root, "boxes", "outlined")
    counts = found.to_json()
    content = json.loads((root / "outlined/annotations.json").read_text())
    derived = sum(one.get("quality") == "derived" for one in content["annotations"])
    assert counts["all"] == {"pictures": 4, "boxes": 184, "alone": derived, "cut": 0, "ignored": 184 - derived}
    for key in counts["all"]:
        assert sum(split[key] for split in counts["splits"].values()) == counts["all"][key]
    assert counts["model"] is None and counts["refused"] == {}


def test_crowds_of_the_source_stay_ignored(root: Path) -> None:
    path = root / "boxes/annotations.json"
    content = json.loads(path.read_text())
    corner = np.zeros((576, 768), dtype=bool)
    corner[:9, :9] = True
    crowd = content["annotations"][0] | {"id": 999, "iscrowd": 1, "bbox": [0.0, 0.0, 9.0, 9.0]}
    content["annotations"].append(crowd)
    path.write_text(json.dumps(content))
    made = outline_dataset(root, "boxes", "outlined", limit=1).dataset
    ignored = load_ignored(made, made.images[0])
    assert ignored is not None and ignored[:9, :9].all()
    assert len(made.instances) == 47 and made.instances[-1].bbox == (0, 0, 9, 9)
    assert len({one.id for one in made.instances}) == 47


def test_a_chromosome_on_which_debris_hangs_is_not_known() -> None:
    """A round blob touches a bar and reaches out of its box: what ends at the box is no outline."""
    absorbance = np.zeros((80, 120), dtype=np.float32)
    absorbance[30:42, 20:70] = absorbance[10:20, 90:110] = 0.5
    left, top, right, bottom = MARGIN
    boxes = np.array([[20, 30, 70, 42], [90, 10, 110, 20]]) + np.array([-left, -top, right, bottom])
    boxes = boxes.astype(np.float32)
    assert outline_boxes(absorbance, boxes).alone.keys() == {0, 1}
    absorbance[35:60, 40:52] = 0.5
    found = outline_boxes(absorbance, boxes)
    assert found.alone.keys() == {1} and found.unknown.keys() == {0}


def test_a_pale_end_that_the_model_lost_is_ignored_and_no_rim_is() -> None:
    """Two bars that cross; of one the model sees all but the last 10 px, of both all but a rim of a pixel."""
    masks, pieces = np.zeros((2, 2, 120, 160), dtype=bool)
    masks[0, 50:64, 20:120] = masks[1, 20:100, 60:74] = True
    pieces[0, 51:63, 21:110] = pieces[1, 21:99, 61:73] = True
    absorbance = 0.5 * masks.any(axis=0).astype(np.float32)
    left, top, right, bottom = MARGIN
    boxes = np.array([[20, 50, 120, 64], [60, 20, 74, 100]]) + np.array([-left, -top, right, bottom])
    found = outline_boxes(absorbance, boxes.astype(np.float32), pieces)
    assert found.cut.keys() == {0, 1} and not found.unknown
    end = np.zeros((120, 160), dtype=bool)
    end[50:64, 110:120] = True
    np.testing.assert_array_equal(found.left, end)


def test_where_nothing_is_dark_the_box_is_ignored() -> None:
    absorbance = np.zeros((80, 120), dtype=np.float32)
    absorbance[30:42, 20:70] = 0.5
    boxes = np.array([[15, 24, 74, 45], [90, 60, 110, 75]], dtype=np.float32)
    found = outline_boxes(absorbance, boxes)
    assert found.alone.keys() == {0}
    rows, cols = np.nonzero(found.unknown[1])
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (60, 74, 90, 109) and found.unknown[1].sum() == 300


def test_the_sheet_shows_what_is_known_in_colour_and_hatches_what_is_ignored(root: Path, truth: Truth) -> None:
    picture = np.zeros((40, 60), dtype=np.float32)
    alone, cut, ignored = (np.zeros((40, 60), dtype=bool) for _ in range(3))
    alone[5:15, 5:25], cut[5:15, 35:55], ignored[25:35, 5:55] = True, True, True
    drawn = draw_outlines(picture, [alone], [cut], ignored).astype(int)
    colourful = np.ptp(drawn, axis=2) > 20
    assert colourful[alone | cut].all() and not colourful[~(alone | cut | ignored)].any()
    assert 0.2 < colourful[26:34, 6:54].mean() < 0.5, "stripes"
    assert np.abs(drawn[5, 15] - drawn[5, 45]).max() > 30, "two colours"
    made = outline_dataset(root, "boxes", "outlined").dataset
    path = write_sheet(made, root / "sheets/outlined.png")
    with Image.open(path) as page:
        assert page.width > 1400 and page.height > 4 * 720


def test_one_picture_makes_a_sheet(root: Path) -> None:
    made = outline_dataset(root, "boxes", "outlined", limit=1).dataset
    with Image.open(write_sheet(made, root / "sheet.png")) as page:
        assert page.height < 900
