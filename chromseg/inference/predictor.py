"""From a picture to its chromosomes: the whole way, in the order it happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image

import chromseg
from chromseg.annotations.absorbance import FloatArray, Polarity, to_absorbance
from chromseg.annotations.appearance import estimate_polarity, estimate_width
from chromseg.annotations.rasterize import BoolArray
from chromseg.errors import InputRefusedError
from chromseg.inference.postprocess import BinaryMaps, PostprocessSettings, binarize
from chromseg.inference.read import Page, Picture, Source, read_picture
from chromseg.inference.result import Instance, ModelIdentity, Result, box_of, crop_of
from chromseg.models.fold import folded
from chromseg.models.maps import MapNetwork
from chromseg.models.package import ModelCard, load_model
from chromseg.partition import Partition, partition_crossings
from chromseg.validation import InputCheck, Report, check_result

SCALE_AS_IT_IS = (0.7, 1.4)  # factors within what training has seen: resizing would only blur
SCALE_ALLOWED = (0.2, 5.0)


@dataclass(frozen=True)
class View:
    """A page as the model is to see it.

    Attributes:
        polarity: Given or estimated.
        absorbance: float32 (H, W), at the page's own size.
        factor: By which it is to be resized.
    """

    polarity: Polarity
    absorbance: FloatArray
    factor: float

    @property
    def page_pixels(self) -> float:
        """How many of the page's pixels make one of the model's."""
        return 1 / min(max(self.factor, SCALE_ALLOWED[0]), SCALE_ALLOWED[1])


@dataclass(frozen=True)
class Predictor:
    """A loaded model.

    Attributes:
        network: In evaluation mode, on `device`.
        card: The model's card.
        identity: What is written into results.
        check_input: The input rules, called with page, name and `scale`; the default needs no Great Expectations.
    """

    network: MapNetwork
    card: ModelCard
    identity: ModelIdentity
    device: str = "cpu"
    check_input: Callable[..., Report] = field(default_factory=InputCheck)

    @classmethod
    def from_folder(cls, folder: Path, *, name: str = "", version: str | None = None, device: str = "cpu") -> Predictor:
        """Load a folder with `model.safetensors` and `model.json`.

        Raises:
            ModelError: The folder holds no usable model.
        """
        network, card = load_model(folder)
        identity = ModelIdentity(
            name=name or card.name,
            version=version,
            weights_sha256=card.weights_sha256,
            data_md5=dict(card.lineage.get("data_md5") or {}),
            commit=card.lineage.get("git_commit"),
            partition=card.partition,
            software_version=chromseg.__version__,
        )
        network = folded(network).to(device).to(memory_format=torch.channels_last)
        return cls(network, card, identity, device)

    def predict(
        self,
        source: Source,
        *,
        polarity: Polarity | Literal["auto"] = "auto",
        scale: float | Literal["auto"] = "auto",
        page: int = 0,
    ) -> Result:
        """Find the chromosomes of one picture.

        Args:
            source: A path, encoded bytes, or an array uint8/uint16 (H, W) or (H, W, 3); any size, either polarity.
            polarity: "auto" estimates it from the pixels.
            scale: Factor by which the picture is resized for the network; "auto" estimates it from the width of the
                chromosomes and leaves the picture as it is where that is near the training images'.
            page: Which page of a file of several.

        Raises:
            InputRefusedError: The picture cannot be read or breaks an input rule; the message names the rule.
        """
        picture = read_picture(source)
        if not 0 <= page < len(picture.pages):
            raise InputRefusedError(
                f"page {page} of a file of {len(picture.pages)}",
                expected=f"0 to {len(picture.pages) - 1}",
                remedy="choose another page",
            )
        name = Path(source).name if isinstance(source, str | Path) else "the image"
        return self.predict_page(picture, page, polarity=polarity, scale=scale, name=name)

    def predict_page(
        self,
        picture: Picture,
        page: int = 0,
        *,
        polarity: Polarity | Literal["auto"] = "auto",
        scale: float | Literal["auto"] = "auto",
        name: str = "the image",
    ) -> Result:
        """As `predict`, for a picture that is decoded already; `name` is what messages call it."""
        clock = _Clock()
        with clock.step("normalise"):
            view = self.look_at(picture.pages[page], polarity=polarity, scale=scale)
        with clock.step("validate"):
            report = self.check_input(picture.pages[page], name, scale=view.page_pixels)
            _check_scale(view.factor, name)
        with clock.step("network"):
            scaled = resize(view.absorbance, view.factor)
            probabilities = self.probabilities(scaled)
        with clock.step("partition"):
            maps, partition = self.partition(scaled, probabilities)
        with clock.step("map back"):
            instances = tuple(_instances(partition, probabilities[0], view.absorbance))
            found = resize_mask(maps.chromosome, view.absorbance.shape)
        area = self.card.chromosome_area and self.card.chromosome_area / view.factor**2
        return Result(
            instances=instances,
            absorbance=view.absorbance,
            polarity=view.polarity,
            scale=view.factor,
            validation={
                "input": report.to_json(),
                "result": check_result(instances, found, area, name=name).to_json(),
            },
            model=self.identity,
            image_sha256=picture.sha256,
            page=page,
            timings_ms=clock.times,
        )

    def look_at(
        self,
        page: Page,
        *,
        polarity: Polarity | Literal["auto"] = "auto",
        scale: float | Literal["auto"] = "auto",
    ) -> View:
        """Bring a page to absorbance, and find the factor to the model's scale."""
        used = estimate_polarity(page.grey) if polarity == "auto" else polarity
        absorbance = to_absorbance(page.grey, used)
        return View(used, absorbance, self._factor_of(absorbance) if scale == "auto" else float(scale))

    @torch.inference_mode()
    def probabilities(self, absorbance: FloatArray) -> FloatArray:
        """Run the network: float32 (H, W) → (M, H, W) of chromosome, crossing and, if the model has it, contact."""
        x = torch.from_numpy(absorbance)[None, None].to(self.device, memory_format=torch.channels_last)
        maps = [logits for logits in self.network(x) if logits is not None]
        return np.asarray(torch.sigmoid(torch.cat(maps, dim=1))[0].float().cpu().numpy())

    def partition(self, absorbance: FloatArray, probabilities: FloatArray) -> tuple[BinaryMaps, Partition]:
        """Stage 2 on what `probabilities` found in `absorbance`, with the card's settings."""
        maps = binarize(probabilities, self.postprocess, absorbance)
        settings = self.card.partition
        return maps, partition_crossings(maps.chromosome, maps.crossing, absorbance, contact=maps.contact, **settings)

    def _factor_of(self, absorbance: FloatArray) -> float:
        """Factor that brings the picture's chromosomes to the width that the network was trained on."""
        width, wanted = estimate_width(absorbance), self.card.chromosome_width
        if not width or not wanted:
            return 1.0
        factor = wanted / width
        return 1.0 if SCALE_AS_IT_IS[0] <= factor <= SCALE_AS_IT_IS[1] else factor

    @property
    def postprocess(self) -> PostprocessSettings:
        """How probabilities become maps: the card's settings."""
        return PostprocessSettings(**self.card.preprocessing.get("postprocess", {}))


def _check_scale(factor: float, name: str) -> None:
    if not SCALE_ALLOWED[0] <= factor <= SCALE_ALLOWED[1]:
        raise InputRefusedError(
            f"{name} must be resized by {factor:.2f} to bring its chromosomes to the model's scale",
            expected=f"a factor from {SCALE_ALLOWED[0]} to {SCALE_ALLOWED[1]}",
            remedy="resize the picture, or give the factor yourself with --scale if the estimate is wrong",
        )


def resize(image: FloatArray, factor: float) -> FloatArray:
    """Resize float32 (H, W) by a factor, smoothed before it is made smaller."""
    if factor == 1.0:
        return image
    height, width = (max(1, round(side * factor)) for side in image.shape)
    picture = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(np.clip(np.asarray(picture), 0, 1), dtype=np.float32)


def resize_mask(mask: BoolArray, shape: tuple[int, int]) -> BoolArray:
    """Bring a mask bool (h, w) to another size; its border is where linear interpolation crosses one half."""
    if mask.shape == shape:
        return mask
    picture = Image.fromarray(mask.astype(np.float32)).resize(shape[::-1], Image.Resampling.BILINEAR)
    return np.asarray(np.asarray(picture) >= 0.5)


def instance_scores(partition: Partition, chromosome: FloatArray) -> list[float]:
    """Mean chromosome probability inside each mask × its pairing confidence (design §5)."""
    return [
        float(chromosome[mask].mean()) * confidence
        for mask, confidence in zip(partition.masks, partition.confidence, strict=True)
    ]


def _instances(partition: Partition, chromosome: FloatArray, absorbance: FloatArray) -> Iterator[Instance]:
    """Bring each mask back to the picture's own pixels; one that vanishes there is none."""
    scores = instance_scores(partition, chromosome)
    for mask, flags, score in zip(partition.masks, partition.flags, scores, strict=True):
        full = resize_mask(mask, absorbance.shape)
        if not full.any():
            continue
        bbox = box_of(full)
        yield Instance(full, bbox, score, flags, None, crop_of(absorbance, full, bbox))


class _Clock:
    """Milliseconds by step."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.times[name] = round(1000 * (time.perf_counter() - start), 2)
