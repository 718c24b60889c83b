"""Rules as data: what a column of facts must be, what it means when it is not, and what to do then.

Declared once here; `engine.py` makes Great Expectations suites of them for tables, `light.py` judges single rows in
microseconds. Both pass over missing values (None or NaN): a fact that could not be measured breaks no rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from chromseg.annotations.splits import SPLITS
from chromseg.validation.limits import DatasetLimits, ImageLimits, ResultLimits

FAMILIAR = "familiar"  # the rule that a picture looks like those that the model was trained on
Severity: TypeAlias = Literal["critical", "warning"]


@dataclass(frozen=True)
class Rule:
    """One expectation of one column; exactly one of bounds, `allowed`, `absent`, `unique` is used.

    Attributes:
        name: What reports call it.
        column: The fact it judges.
        meaning: What is wrong when it fires, for a lab technician.
        remedy: What to do then.
        severity: "critical" stops the pipeline or refuses the image; "warning" is reported.
        minimum: Smallest value allowed.
        maximum: Largest value allowed.
        allowed: The values allowed.
        absent: The column holds a reason or a name where something is wrong, and must be empty.
        unique: No value may appear twice.
        unit: Of the bounds, for reading.
    """

    name: str
    column: str
    meaning: str
    remedy: str
    severity: Severity = "critical"
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[int | str, ...] | None = None
    absent: bool = False
    unique: bool = False
    unit: str = ""

    @property
    def expected(self) -> str:
        """The rule in a few words, such as "at most 6 px"."""
        if self.absent:
            return "none"
        if self.unique:
            return "a value of its own"
        if self.allowed is not None:
            return "one of " + ", ".join(map(str, self.allowed)) if len(self.allowed) != 1 else str(self.allowed[0])
        bounds = {"at least": self.minimum, "at most": self.maximum}
        words = " and ".join(f"{word} {bound:.6g}" for word, bound in bounds.items() if bound is not None)
        return f"{words} {self.unit}".rstrip()


def image_rules(limits: ImageLimits, *, remedy: str = "take or export the picture again") -> tuple[Rule, ...]:
    """Rules of one image's facts: size, depth, finite, not blank, objects, exposure, focus, colour."""
    microscope = "focus, expose and take the picture again"
    return (
        Rule("readable", "unreadable", "the file is not a whole picture", remedy, absent=True),
        Rule("not-too-large", "megapixels", "the picture is too large",
             "cut it to one metaphase or scale it down", maximum=limits.max_megapixels, unit="megapixels"),
        Rule("not-too-small", "shorter_side", "the picture is too small to hold a chromosome",
             "use the picture at its full resolution", minimum=limits.min_side, unit="px"),
        Rule("depth-allowed", "bit_depth", "the file has an unusual number of bits a pixel",
             "save it with 8 or 16 bits", allowed=limits.depths),
        Rule("finite", "not_finite", "pixels are not numbers (NaN or infinite)",
             "export the picture again without empty pixels", maximum=0, unit="pixels"),
        Rule("not-blank", "contrast", "the picture is blank: nothing but ground or specks",
             "check lamp, shutter and exposure, then take it again", minimum=limits.min_contrast, unit="of full scale"),
        Rule("above-noise", "contrast_to_noise", "nothing stands out from the noise",
             "expose longer and take the picture again", minimum=limits.min_contrast_to_noise),
        Rule("shows-ground", "foreground_share", "hardly any ground is to be seen",
             "check that this is a metaphase or a cut-out on plain ground", severity="warning",
             maximum=limits.soft_foreground, unit="of the picture"),
        Rule("not-saturated", "clipped_share", "the chromosomes are over-exposed: their bands are lost",
             "expose less and take the picture again", maximum=limits.max_clipped, unit="of the foreground"),
        Rule("few-objects", "n_objects", "far more objects than a metaphase has chromosomes",
             "cut the picture to one metaphase", maximum=limits.max_objects, unit="objects"),
        Rule("sharp", "fineness", "the picture is slightly out of focus: check the results by eye", microscope,
             severity="warning", maximum=limits.soft_fineness),
        Rule("focused", "wide_fineness", "the picture is slightly out of focus: check the results by eye", microscope,
             severity="warning", maximum=limits.soft_fineness),
        Rule("in-focus", "wide_fineness", "the picture is out of focus: its blur is as wide as what it shows",
             microscope, maximum=limits.max_fineness),
        Rule("grey", "colour_spread", "this is a colour photograph, not a micrograph of one stain",
             "use the grey picture of the camera, or say which channel to take (--channel)",
             maximum=limits.max_colour_spread, unit="of full scale"),
    )  # fmt: skip


def annotated_image_rules(limits: DatasetLimits, polarity: str) -> tuple[Rule, ...]:
    """Rules of the images of an annotated dataset: its pixels, its case and split, its maps."""
    return (
        *image_rules(limits.image, remedy="replace the file or leave it out"),
        Rule("size-as-recorded", "other_size", "the file has another size than annotations.json says",
             "import the set again", absent=True),
        Rule("polarity-as-declared", "polarity", "the chromosomes are not on the side of the ground that the card says",
             "import again with or without --invert", allowed=(polarity,)),
        Rule("image-id-unique", "image_id", "two images have one id", "number the images anew", unique=True),
        Rule("split-known", "split", "the split has no meaning here", "use train, val or test", allowed=SPLITS),
        Rule("case-in-one-split", "other_split_of_case", "one case is in two splits: the test would be a repetition",
             "give all images of a case one split", absent=True),
        Rule("no-copy-in-other-split", "copy_in_other_split", "the same picture is in two splits",
             "keep one of the two; import corrections without --split, which then take over case and split",
             absent=True),
        Rule("no-copy", "copy_in_split", "the same picture is there twice", "keep one of the two",
             severity="warning", absent=True),
        Rule("counts-once", "copy_in_other_set", "an earlier set holds the same picture: it counts once, by the "
             "outlines of this one", "nothing if these outlines are the better ones; else list this set first",
             severity="warning", absent=True),
        Rule("no-look-alike-in-other-split", "look_alike_in_other_split", "two splits hold the same metaphase",
             "compare the two; give one cell one case and one split", absent=True),
        Rule("annotated", "n_annotations", "the image has no annotation",
             "annotate it, or leave it if it is meant to be empty", severity="warning", minimum=1),
        Rule("maps-usable", "map_problem", "a map is missing or does not fit the image", "make the map again",
             absent=True),
        Rule("crossing-in-chromosome", "crossing_outside_px", "a crossing lies outside the chromosome map",
             "correct the crossing or the chromosome map", maximum=0, unit="px"),
    )  # fmt: skip


def annotation_rules(limits: DatasetLimits, labels: tuple[int, ...], median_area: float | None) -> tuple[Rule, ...]:
    """Rules of single annotations; `median_area` (px) is that of the set's masks, None in box-only sets."""
    rules = (
        Rule("annotation-id-unique", "annotation_id", "two annotations have one id", "number them anew", unique=True),
        Rule("label-known", "category_id", "the label is not in the set's list", "correct the label or list it",
             allowed=labels),
        Rule("box-has-size", "box_side_px", "the box is empty", "redraw or delete it", minimum=limits.min_box_side,
             unit="px"),
        *_inside("box", "box_outside_px", limits.box_tolerance),
        Rule("outline-usable", "outline_problem", "the outline cannot be filled", "redraw or delete it", absent=True),
        *_inside("mask", "mask_outside_px", limits.mask_tolerance),
        Rule("no-outline-twice", "copy_of", "one chromosome is outlined twice: all of it would count as a crossing",
             "delete one of the two", absent=True),
        Rule("no-box-twice", "box_copy_of", "one chromosome has two boxes: it would count twice",
             "delete one of the two", severity="warning", absent=True),
    )  # fmt: skip
    if median_area is None:
        return rules
    (soft_low, soft_high), (low, high) = limits.soft_area_ratios, limits.area_ratios
    meaning, remedy = "hardly a chromosome has this area", "look at the outline; redraw or delete it"
    unit = f"px (the set's median is {median_area:.0f})"
    return (
        *rules,
        Rule("area-plausible", "mask_area_px", meaning, remedy, severity="warning",
             minimum=soft_low * median_area, maximum=soft_high * median_area, unit=unit),
        Rule("area-possible", "mask_area_px", meaning, remedy,
             minimum=low * median_area, maximum=high * median_area, unit=unit),
    )  # fmt: skip


def dataset_rules() -> tuple[Rule, ...]:
    """Rules of a dataset as a whole, a table of one row."""
    return (
        Rule("contract-kept", "unusable", "dataset.yaml or annotations.json cannot be used", "import the set again",
             absent=True),
        Rule("has-images", "n_images", "the set is empty", "import the images", minimum=1),
        Rule("all-splits", "missing_splits", "a split has no image", "import more cases or choose other --split shares",
             severity="warning", absent=True),
    )  # fmt: skip


def result_rules(
    limits: ResultLimits, median_area: float | None, nearest: str | None = None, *, strict: bool = False
) -> tuple[Rule, ...]:
    """Rules of one image's result, most of them warnings; `median_area` (px) is the model's, if known.

    `nearest` is the stain known to the model that the picture looks most like, if that can be said; where it is far,
    the result is refused if `strict`.
    """
    look = "look at the overlay before using the chromosomes"
    rules = (
        Rule("count-plausible", "n_instances", "an unusual number of chromosomes", look, severity="warning",
             minimum=limits.min_instances, maximum=limits.max_instances),
        Rule("count-possible", "n_instances", "more chromosomes than any metaphase has",
             "check that this is a metaphase, and --scale", maximum=limits.most_instances, unit="chromosomes"),
        Rule("few-for-review", "review_share", "many chromosomes need a look", look, severity="warning",
             maximum=limits.max_review_share, unit="of the chromosomes"),
        Rule("areas-plausible", "odd_share", "many objects have no chromosome's size", look, severity="warning",
             maximum=limits.max_odd_share, unit="of the chromosomes"),
        Rule("chromosomes-covered", "coverage", "part of what looks like chromosome belongs to no instance", look,
             severity="warning", minimum=limits.min_coverage, unit="of the chromosome map"),
        Rule("nothing-unclaimed", "n_unclaimed", "what may be chromosomes belongs to no instance",
             "look at the dashed frames in the overlay", severity="warning", maximum=0, unit="pieces"),
    )  # fmt: skip
    return (*rules, *_familiar(limits, nearest, "critical" if strict else "warning"), *_of_scale(limits, median_area))


def _familiar(limits: ResultLimits, nearest: str | None, severity: Severity) -> tuple[Rule, ...]:
    """That the picture looks like those that the model knows; no rule where nothing is known of that."""
    if nearest is None:
        return ()
    meaning = f"the model was trained on nothing like this picture (nearest: {nearest})"
    remedy = "look at every chromosome, and measure the model on such pictures before you rely on it"
    limit, unit = limits.most_strange, "× the reach"
    return (Rule(FAMILIAR, "strangeness", meaning, remedy, severity=severity, maximum=limit, unit=unit),)


def _of_scale(limits: ResultLimits, median_area: float | None) -> tuple[Rule, ...]:
    if median_area is None:
        return ()
    scale = Rule(
        "scale-plausible", "median_area_px", "the chromosomes are far from the size the model knows",
        "check --scale, or use a model for this magnification", severity="warning",
        minimum=limits.min_median_ratio * median_area, maximum=limits.max_median_ratio * median_area, unit="px",
    )  # fmt: skip
    return (scale,)


def _inside(what: str, column: str, tolerance: float) -> tuple[Rule, Rule]:
    """A step over the rim is a warning, a stride is an error."""
    meaning, remedy = f"the {what} leaves the image", f"clip the {what} to the image"
    return (
        Rule(f"{what}-inside", column, meaning, remedy, severity="warning", maximum=0, unit="px"),
        Rule(f"{what}-near-image", column, meaning, remedy, maximum=tolerance, unit="px"),
    )
