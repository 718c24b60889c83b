"""From the chromosomes of a picture to its karyogram: the network of the family `karyotype`, then the assignment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from chromseg.arrays import Bool
from chromseg.files import write_json
from chromseg.inference.load import identity_of
from chromseg.inference.result import ModelIdentity, Result
from chromseg.karyogram.cell import cell_of
from chromseg.karyogram.karyogram import Karyogram, karyogram_of
from chromseg.karyogram.page import drawn_straight, karyogram_page, save_page
from chromseg.models.device import usable_device
from chromseg.models.karyotype import KaryotypeNetwork, answers
from chromseg.models.package import load_model

KARYOGRAM = "karyogram"  # stem of the files


@dataclass(frozen=True)
class Karyotyper:
    """A loaded network that names chromosomes.

    Attributes:
        network: In evaluation mode, on `device`.
        identity: What results say of it.
        device: Where it runs, in PyTorch's words.
    """

    network: KaryotypeNetwork
    identity: ModelIdentity
    device: str = "cpu"

    def karyogram(self, result: Result) -> Karyogram:
        """Place the chromosomes of a picture; a result without any gives an empty karyogram."""
        cell = cell_of(result.absorbance, _masks(result))
        return karyogram_of(answers(self.network, cell.strips, cell.figures, torch.device(self.device)))

    def write(self, result: Result, folder: Path) -> None:
        """Write `karyogram.json`, `karyogram.png` and `karyogram.pdf` of a picture into a folder that is there.

        Raises:
            OutputError: The folder cannot be written.
        """
        karyogram = self.karyogram(result)
        page = karyogram_page(karyogram, drawn_straight(result.absorbance, _masks(result)))
        save_page(page, folder / f"{KARYOGRAM}.png")
        save_page(page, folder / f"{KARYOGRAM}.pdf")
        write_json(folder / f"{KARYOGRAM}.json", self.to_json(karyogram, result))

    def to_json(self, karyogram: Karyogram, result: Result) -> dict[str, Any]:
        """A karyogram with the models behind it, ready for JSON."""
        cut_by = {"name": result.model.name, "version": result.model.version, "sha256": result.model.weights_sha256}
        return karyogram.to_json() | {
            "model": asdict(self.identity) | {"image_sha256": result.image_sha256},
            "cut_by": cut_by,
        }


def karyotyper_from_folder(
    folder: Path, *, name: str = "", version: str | None = None, device: str = "cpu"
) -> Karyotyper:
    """Load a model folder of the family `karyotype`.

    Args:
        folder: With `model.safetensors` and `model.json`.
        name: What results call the model; default: the name in its card.
        version: Registered version, if it is one.
        device: Where the network runs, as `usable_device` takes it.

    Raises:
        ModelError: The folder holds no usable model, or one of another family.
        ConfigError: There is no such device.
    """
    network, card = load_model(folder, KaryotypeNetwork)
    place = usable_device(device)
    return Karyotyper(network.to(place), identity_of(card, name, version), place)


def _masks(result: Result) -> Iterator[Bool]:
    """Masks bool (H, W) one after the other: all at once would fill the memory."""
    return (instance.mask for instance in result.instances)
