"""What changed between two versions, hand-counted."""

from dataclasses import replace

import numpy as np

from chromseg.annotations import encode_rle, write_dataset
from chromseg.annotations.changes import Move, OutlineChanges, compare, pictures_of
from chromseg.images.pictures import read_grey


def test_nothing_changed(tmp_path, make_dataset, bar):
    masks = [[bar(2, 10, 4, 60)], [bar(20, 30, 4, 60)]]
    changes = compare(*(pictures_of(make_dataset(tmp_path / name, masks)) for name in "ab"))
    assert changes.total == OutlineChanges() and not (changes.added or changes.gone or changes.changed or changes.moved)


def test_outlines_added_changed_and_gone(tmp_path, make_dataset, bar):
    """One stays, one is drawn 2 of 8 px lower, one goes, two come; the picture is the same."""
    stays, other, drawn, goes = bar(2, 10, 4, 60), bar(20, 28, 4, 60), bar(22, 28, 4, 60), bar(40, 44, 4, 20)
    first = make_dataset(tmp_path / "a", [[stays, other, goes]])
    second = make_dataset(tmp_path / "b", [[bar(50, 60, 40, 60), stays, drawn, bar(32, 36, 40, 60)]])
    changes = compare(pictures_of(first), pictures_of(second))
    assert changes.outlines == {"1.png": OutlineChanges(added=2, changed=1, gone=1)}
    assert changes.changed == changes.repainted == ("1.png",)  # the pixels follow the bars here
    assert changes.to_json()["outlines"]["by_picture"] == {"1.png": {"added": 2, "changed": 1, "gone": 1}}


def test_a_polygon_of_the_same_pixels_is_the_same_outline_but_another_class_is_a_change(tmp_path, make_dataset, bar):
    first = make_dataset(tmp_path / "a", [[bar(10, 20, 4, 60)]])
    polygon = [[4.0, 10.0, 60.0, 10.0, 60.0, 20.0, 4.0, 20.0]]
    same = replace(first, instances=(replace(first.instances[0], segmentation=polygon),))
    named = replace(first, categories={1: "X"})
    assert compare(pictures_of(first), pictures_of(same)).outlines == {}
    assert compare(pictures_of(first), pictures_of(named)).total == OutlineChanges(changed=1)


def test_pictures_added_gone_and_renamed(tmp_path, make_dataset, bar):
    first = make_dataset(tmp_path / "a", [[bar(2, 10, 4, 60)], [bar(20, 30, 4, 60)]])
    second_picture = read_grey(first.root / "images/2.png")
    images = (replace(first.images[1], id=1, file_name="two.png"), replace(first.images[0], id=2, file_name="3.png"))
    instances = tuple(replace(one, image_id=3 - one.image_id) for one in first.instances)
    second = replace(first, root=tmp_path / "b", images=images, instances=instances)
    write_dataset(second, {1: second_picture, 2: np.full((64, 64), 9, np.uint8)})
    changes = compare(pictures_of(first), pictures_of(second))
    assert (changes.added, changes.gone, changes.renamed) == (("3.png",), ("1.png",), {"two.png": "2.png"})
    assert changes.total == OutlineChanges(added=1, gone=1) and changes.changed == ()


def test_moved_splits_are_named(tmp_path, make_dataset, bar):
    first = make_dataset(tmp_path / "a", [[bar(2, 10, 4, 60)]], splits=["train"], cases=["p1"])
    second = replace(first, images=(replace(first.images[0], split="test"),))
    assert compare(pictures_of(first), pictures_of(second)).moved == (Move("1.png", "p1", "train", "test"),)


def test_boxes_are_compared_as_boxes(tmp_path, make_dataset, bar):
    first = make_dataset(tmp_path / "a", [[bar(2, 10, 4, 60), bar(30, 40, 4, 60)]])
    boxes = tuple(replace(one, segmentation=[]) for one in first.instances)
    before = replace(first, instances=boxes)
    moved = replace(boxes[1], bbox=(6.0, 31.0, 56.0, 10.0))
    changes = compare(pictures_of(before), pictures_of(replace(first, instances=(boxes[0], moved))))
    assert changes.total == OutlineChanges(changed=1)
    traced = replace(boxes[0], segmentation=encode_rle(bar(2, 10, 4, 60)))
    assert compare(pictures_of(before), pictures_of(replace(first, instances=(traced, boxes[1])))).total.changed == 0
