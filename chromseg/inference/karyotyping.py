"""From the chromosomes of a picture to its karyogram: the network of the family `karyotype`, then the assignment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from chromseg.files import write_json
from chromseg.inference.load import identity_of
from chromseg.inference.result import Masks, ModelIdentity, Result
from chromseg.karyogram.cell import Cell, cell_of
from chromseg.karyogram.karyogram import Given, Karyogram, karyogram_of
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
        return self.placed(cell_of(result.absorbance, Masks(result.instances)))

    def placed(self, cell: Cell, given: Sequence[Given] = ()) -> Karyogram:
        """Place the chromosomes of a cell, around those that a person has given a place (`karyogram_of`)."""
        found = answers(self.network, cell.strips, cell.figures, torch.device(self.device))
        return karyogram_of(found, given)

    def write(self, result: Result, folder: Path) -> None:
        """Write `karyogram.json`, `karyogram.png` and `karyogram.pdf` of a picture into a folder that is there.

        Raises:
            OutputError: The folder cannot be written.
        """
        karyogram = self.karyogram(result)
        page = karyogram_page(karyogram, drawn_straight(result.absorbance, Masks(result.instances)))
        save_page(page, folder / f"{KARYOGRAM}.png")
        save_page(page, folder / f"{KARYOGRAM}.pdf")
        write_json(folder / f"{KARYOGRAM}.json", self.to_json(karyogram, result.model, result.image_sha256))

    def to_json(self, karyogram: Karyogram, cut_by: ModelIdentity, image_sha256: str) -> dict[str, Any]:
        """A karyogram with the models behind it, ready for JSON."""
        return karyogram.to_json() | {
            "model": asdict(self.identity) | {"image_sha256": image_sha256},
            "cut_by": {"name": cut_by.name, "version": cut_by.version, "sha256": cut_by.weights_sha256},
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
