"""Files of microscopes and others that are not read here: what they are, and how to export a picture that is."""

from __future__ import annotations

from pathlib import PurePath
from typing import NamedTuple

from chromseg.errors import InputRefusedError

_ALONE = "the channel that shows the chromosomes alone, without compression or scale bar"


class Foreign(NamedTuple):
    """A format by its name, how its files begin or what they are called, and where a TIFF of it is to be had."""

    name: str
    begins: bytes
    suffix: str
    export: str


FOREIGN = (
    Foreign("Zeiss CZI", b"ZISRAWFILE", ".czi", f"in ZEN, run Image Export as TIFF with original data: {_ALONE}"),
    Foreign("Nikon ND2", b"\xda\xce\xbe\x0a", ".nd2", f"in NIS-Elements, export to TIFF: {_ALONE}"),
    Foreign("JPEG 2000 or old ND2", b"\x00\x00\x00\x0cjP  ", ".jp2", f"in NIS-Elements, export to TIFF: {_ALONE}"),
    Foreign("Leica LIF", b"\x70\x00\x00\x00", ".lif", f"in LAS X, export the image as TIFF: {_ALONE}"),
    Foreign("Olympus VSI", b"", ".vsi", f"in cellSens or OlyVIA, save as TIFF: {_ALONE}"),
    Foreign("OME-Zarr", b"", ".zarr", f"in Fiji or napari, open it and save as TIFF: {_ALONE}"),
    Foreign("ZIP", b"PK\x03\x04", ".zip", "unpack it; of an OME-Zarr save a TIFF with Fiji or napari"),
    Foreign("PDF", b"%PDF", ".pdf", "send the picture itself as the microscope's software exports it"),
    Foreign("GIF", b"GIF8", ".gif", "export the picture as PNG or TIFF"),
    Foreign("SVG or XML", b"<", ".svg", "export the picture as PNG or TIFF"),
)


def refuse_foreign(content: bytes, name: str) -> None:
    """Refuse a file by what it is.

    Raises:
        InputRefusedError: It is in a format of the list.
    """
    suffix = PurePath(name).suffix.lower()
    for one in FOREIGN:
        if content.startswith(one.begins) if one.begins else suffix == one.suffix:
            raise foreign(one, name)


def foreign(one: Foreign, name: str) -> InputRefusedError:
    """The refusal of a file in this format."""
    return InputRefusedError(f"{name} is a {one.name} file", expected="PNG, JPEG, BMP or TIFF", remedy=one.export)
