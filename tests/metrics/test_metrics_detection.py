import contextlib
import io

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from chromseg.boxes import boxes_of
from chromseg.errors import MaskError
from chromseg.metrics import ImageDetections, average_precision, box_ious, mask_ious

SIZE = 48


def blobs(rng, count):
    """Discs of random place and size; they overlap at will."""
    rows, cols = np.mgrid[:SIZE, :SIZE]
    centres, radii = rng.uniform(6, SIZE - 6, (count, 2)), rng.uniform(3, 8, count)
    return np.array(
        [(rows - r) ** 2 + (cols - c) ** 2 <= d**2 for (r, c), d in zip(centres, radii, strict=True)], dtype=bool
    ).reshape(count, SIZE, SIZE)


def jittered(rng, masks, extra):
    moved = [np.roll(mask, rng.integers(-2, 3, 2), axis=(0, 1)) for mask in masks if rng.random() < 0.85]
    return np.concatenate([np.array(moved, dtype=bool).reshape(-1, SIZE, SIZE), blobs(rng, extra)])


def random_set(seed, *, images=8, crowds=False):
    rng = np.random.default_rng(seed)
    for index in range(images):
        target = blobs(rng, 0 if index == 3 else rng.integers(1, 9))
        pred = blobs(rng, 0) if index == 5 else jittered(rng, target, rng.integers(0, 4))
        scores = np.round(rng.random(len(pred)), 1)  # with ties
        yield pred, scores, target, (rng.random(len(target)) < 0.3) & crowds


def reference(images, kind, max_detections):
    """The same by pycocotools."""
    encode = lambda mask: coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))  # noqa: E731
    truth, found = [], []
    for image_id, (pred, scores, target, crowd) in enumerate(images, start=1):
        for mask, is_crowd in zip(target, crowd, strict=True):
            x0, y0, x1, y1 = boxes_of(mask[None])[0]
            box = [x0, y0, x1 - x0, y1 - y0]
            entry = {"image_id": image_id, "category_id": 1, "segmentation": encode(mask), "bbox": box}
            truth.append(entry | {"id": len(truth) + 1, "area": int(mask.sum()), "iscrowd": int(is_crowd)})
        for mask, score in zip(pred, scores, strict=True):
            x0, y0, x1, y1 = boxes_of(mask[None])[0]
            entry = {"image_id": image_id, "category_id": 1, "score": score}
            found.append(
                entry | ({"segmentation": encode(mask)} if kind == "segm" else {"bbox": [x0, y0, x1 - x0, y1 - y0]})
            )
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        ids = [{"id": n + 1, "height": SIZE, "width": SIZE} for n in range(len(images))]
        coco.dataset = {"images": ids, "annotations": truth, "categories": [{"id": 1, "name": "chromosome"}]}
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(found), kind)
        evaluation.params.maxDets = [1, 2, max_detections]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, 0, 0, 2].mean(axis=1)
    return precision.mean(), precision[0], precision[5]


@pytest.mark.parametrize("kind", ["segm", "bbox"])
@pytest.mark.parametrize("crowds", [False, True])
@pytest.mark.parametrize("max_detections", [500, 4])
def test_agrees_with_pycocotools(kind, crowds, max_detections):
    for seed in range(3):
        images = list(random_set(seed, crowds=crowds))
        tables = []
        for pred, scores, target, crowd in images:
            ious = (
                mask_ious(pred, target, crowd) if kind == "segm" else box_ious(boxes_of(pred), boxes_of(target), crowd)
            )
            tables.append(ImageDetections(ious, scores, crowd))
        ours = average_precision(tables, max_detections)
        assert 0.02 < ours.map < ours.ap50 < 1
        np.testing.assert_allclose(ours, reference(images, kind, max_detections), atol=1e-9)


def one_image(ious, scores):
    return [ImageDetections(np.array(ious, dtype=float), np.array(scores, dtype=float))]


def test_one_of_two_found_gives_half_the_recall_levels():
    found = average_precision(one_image([[1.0, 0.0]], [0.9]))
    assert found == pytest.approx((51 / 101,) * 3)  # recall 0, 0.01, … 0.50


def test_a_better_scored_false_alarm_halves_the_precision():
    found = average_precision(one_image([[0.0], [0.8]], [0.9, 0.5]))
    assert found.ap50 == pytest.approx(0.5) and found.ap75 == pytest.approx(0.5)
    assert found.map == pytest.approx(0.5 * 7 / 10)  # 0.50 … 0.80


def test_a_target_is_found_only_once():
    assert average_precision(one_image([[1.0], [1.0]], [0.9, 0.5])).ap50 == 1
    assert average_precision(one_image([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0.9, 0.8, 0.7])).ap50 < 0.9


def test_no_detections_is_zero_and_no_truth_is_undefined():
    assert average_precision(one_image(np.zeros((0, 3)), [])) == (0, 0, 0)
    assert average_precision(one_image(np.zeros((2, 0)), [0.5, 0.6])) == (None, None, None)
    assert average_precision([]) == (None, None, None)


def test_a_false_alarm_on_an_empty_image_counts():
    images = one_image([[1.0]], [0.5]) + one_image(np.zeros((1, 0)), [0.9])
    assert average_precision(images).ap50 == pytest.approx(0.5)


def test_scores_of_another_number_are_refused():
    with pytest.raises(MaskError, match="one score per detection"):
        one_image([[1.0]], [0.5, 0.6])
