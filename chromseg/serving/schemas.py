"""What the API answers, as OpenAPI has it. Answers are written elsewhere as bytes; a test holds them to these."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class BrokenRule(_Answer):
    """An input rule that an image broke."""

    rule: str = Field(examples=["in-focus"])
    file: str = Field(examples=["the image"])
    item: str
    column: str = Field(examples=["blur_px"])
    value: Any = Field(examples=[7.2])
    expected: str = Field(examples=["at most 6 px"])
    severity: str = Field(examples=["critical"])
    meaning: str = Field(examples=["the picture is out of focus"])
    remedy: str = Field(examples=["focus, expose and take the picture again"])


class ErrorBody(_Answer):
    """What was got, what was expected, what to do."""

    kind: str = Field(examples=["refused"])
    got: str
    expected: str
    remedy: str
    failures: list[BrokenRule] | None = Field(default=None, description="Only of kind `refused`.")
    request_id: str


class ErrorAnswer(_Answer):
    """Every answer that is no result."""

    error: ErrorBody


class Image(_Answer):
    """The page."""

    id: int = 1
    file_name: str = Field(description="Empty unless the server was started with --keep-names.")
    height: int = Field(examples=[576])
    width: int = Field(examples=[768])
    page: int = Field(description="From 0.")
    pages: int


class CompressedMask(_Answer):
    """COCO's compressed run-length encoding of a mask."""

    size: list[int] = Field(description="Rows, columns.", examples=[[576, 768]])
    counts: str = Field(examples=["X`m14P1O00"])


class Annotation(_Answer):
    """One chromosome."""

    id: int
    image_id: int = 1
    category_id: int = 1
    segmentation: CompressedMask
    bbox: list[int] = Field(description="x, y, width, height.", examples=[[120, 40, 12, 55]])
    area: int = Field(examples=[483])
    iscrowd: int = 0
    score: float = Field(examples=[0.93])
    flags: list[str] = Field(examples=[["needs-review"]])
    uncertainty: float | None = None
    probability: float | None = Field(
        default=None, description="That the outline is right at IoU 0.8; null for a model that does not estimate it."
    )
    outline: list[list[float]] | None = Field(default=None, description="With include=outlines: rings x0, y0, x1, y1 …")
    crop: str | None = Field(default=None, description="With include=crops: a PNG as data URI, dark on white.")


class Category(_Answer):
    """What annotations are of."""

    id: int
    name: str


class _Model(_Answer):
    """A model, as every answer of one names it."""

    name: str
    version: str | None = Field(examples=["3"])
    weights_sha256: str | None
    data_md5: dict[str, str]
    commit: str | None
    partition: dict[str, Any]
    software_version: str
    image_sha256: str


class UsedModel(_Model):
    """Which model made the result."""

    name: str = Field(examples=["chromseg"])
    lineage_id: str | None = Field(description="The run that trained it.", examples=["ce837c63879d4d0d"])


class RuleCheck(_Answer):
    """One rule, and whether it was broken."""

    rule: str
    column: str
    expected: str
    severity: str
    n_checked: int
    n_failed: int


class ValidationReport(_Answer):
    """Verdict of a set of rules."""

    name: str
    ok: bool
    n_checked: int
    n_critical: int
    n_warnings: int
    failures: list[BrokenRule]
    checks: list[RuleCheck]


class Validation(_Answer):
    """Of the image before, and of the result after."""

    input: ValidationReport
    result: ValidationReport


class UsedOptions(_Answer):
    """How the picture was read, and what was asked for."""

    polarity: str = Field(examples=["dark-on-light"])
    scale: float = Field(examples=[1.0])
    asked_polarity: str = Field(examples=["auto"])
    asked_scale: str | float = Field(examples=["auto"])


class CrossingRegion(_Answer):
    """A region where two or more chromosomes lie."""

    annotations: list[int]
    area: int
    outline: list[list[float]]


class UnclaimedPiece(_Answer):
    """What looks like chromosome, has a quarter of the usual area or more, and belongs to no annotation."""

    segmentation: CompressedMask
    bbox: list[int] = Field(description="x, y, width, height.", examples=[[120, 40, 12, 55]])
    area: int = Field(examples=[483])


class Segmentation(_Answer):
    """The `instances.json` of `chromseg-ops predict` (COCO), and more."""

    images: list[Image]
    annotations: list[Annotation]
    categories: list[Category] = Field(examples=[[{"id": 1, "name": "chromosome"}]])
    unclaimed: list[UnclaimedPiece] | None = Field(description="Null for a model that draws no map.")
    model: UsedModel
    validation: Validation
    options: UsedOptions
    timings_ms: dict[str, float] = Field(examples=[{"decode": 3.1, "network": 41.0, "partition": 9.4, "total": 61.2}])
    request_id: str
    picture: str | None = Field(default=None, description="With include=picture: PNG as data URI, dark on light.")
    crossings: list[CrossingRegion] | None = Field(default=None, description="With include=crossings.")


class ResultOfOne(_Answer):
    """What became of one picture of several: a result, or why there is none."""

    picture: int = Field(description="From 1, in the order of the form.")
    status: int = Field(description="What the picture alone would have been answered with.", examples=[200])
    result: Segmentation | None = None
    error: ErrorBody | None = None


class SegmentationOfMany(_Answer):
    """The answer to a form of several pictures."""

    results: list[ResultOfOne]
    request_id: str


class JobAnswer(_Answer):
    """What has become of pictures that were posted as a job."""

    id: str = Field(description="A secret: who knows it, and has the key that posted the job, may ask for it.")
    state: Literal["waiting", "working", "done", "failed"]
    pictures: int
    done: int = Field(description="Pictures of which the result, or the reason why there is none, is there.")
    step: Literal["decode", "network", "partition"] | None = Field(description="That began last, while it works.")
    expires: str = Field(description="When the job is forgotten, UTC; later where it goes on and is asked for.")
    error: ErrorBody | None = Field(description="Why it failed.")


class SeparatedChromosome(_Answer):
    """One chromosome of a tangle."""

    segmentation: CompressedMask
    bbox: list[int] = Field(description="x, y, width, height.")
    area: int
    axis: int | None = Field(description="Which of the axes it lies along, from 0; null for what no axis explains.")


class Separated(_Answer):
    """A tangle split along drawn axes."""

    annotations: list[SeparatedChromosome]


class PlacedChromosome(_Answer):
    """One chromosome of a karyogram."""

    number: int = Field(description="Of its annotation, from 1.")
    name: str = Field(examples=["X"])
    probability: float = Field(description="Of the class, by the chromosome alone.")
    sureness: float = Field(description="Of the place, in this cell.")
    upside_down: bool = Field(description="Whether `strip` begins at the long arm.")
    unsure: bool = Field(description="A person should look.")
    by_person: bool = Field(description="A person gave it its name.")
    strip: str = Field(description="It alone, straight, whichever end is up: a PNG as data URI, dark on white.")


class NamingModel(_Model):
    """Which model named the chromosomes."""

    name: str = Field(examples=["karyotype"])


class CuttingModel(_Answer):
    """Which model cut them."""

    name: str
    version: str | None
    sha256: str | None


class KaryogramAnswer(_Answer):
    """A karyogram: placed by a program, for a person to check, not a diagnosis."""

    count: str = Field(examples=["46,XY"])
    note: str
    not_two: dict[str, int] = Field(description="How many of each autosome of which there are not two.")
    unsure: int
    chromosomes: list[PlacedChromosome]
    model: NamingModel
    cut_by: CuttingModel
    rows: list[list[list[str]]] = Field(description="The page: rows of groups of classes.")


class SettingsAnswer(_Answer):
    """What a page needs to know before the first picture."""

    software_version: str
    corrections: bool
    needs_key: bool
    formats: list[str]
    max_body_bytes: int
    max_pixels: int
    suffixes: list[str]
    expected_count: int


class MeasuredStain(_Answer):
    """On how much of a stain a model was tested, and how well it did; null for what its card does not say."""

    metaphases: int | None
    cut_outs: int | None = Field(description="Crossing clusters by themselves.")
    recovered: float | None = Field(description="Share of chromosomes found at IoU 0.8 or more.", examples=[0.69])


class ModelAnswer(_Answer):
    """A model in use."""

    name: str
    version: str | None
    choice: str = Field(description="What the query `model` calls it.", examples=["chromseg@champion"])
    uri: str
    loaded_at: str
    weights_sha256: str | None
    lineage_id: str | None
    lineage: dict[str, Any]
    metrics: dict[str, float | None]
    architecture: dict[str, Any]
    measured: dict[str, MeasuredStain] = Field(description="By stain; what is missing was not measured.")
    stain: str
    polarity: str
    chromosome_area: float | None
    chromosome_width: float | None


class RuleAnswer(_Answer):
    """One input rule in force."""

    name: str
    column: str
    meaning: str
    remedy: str
    severity: str
    expected: str


class CorrectionAnswer(_Answer):
    """A correction that was saved."""

    id: str
    time: str
    reviewer: str
    key: str | None = Field(description="Whose API key it was saved with; null on a server without keys.")
    n_original: int
    n_corrected: int
    changed: bool
    etag: str = Field(description="What the next save of the same picture names in If-Match.")


class ReadyAnswer(_Answer):
    """Whether requests are served."""

    ready: bool
    model: str
    version: str | None
