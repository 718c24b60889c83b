"""Microscopes' own files: written by their libraries (CZI, OME-Zarr), or by hand (LIF); of ND2 there is a stub."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from drawn_cells import drawn_cell, threshold_predictor

from chromseg.errors import InputRefusedError
from chromseg.extras import EXTRAS
from chromseg.inference.asked import Asked
from chromseg.inference.batch import plan_jobs
from chromseg.inference.files import PictureWorker
from chromseg.inference.microscopes import hash_of, is_microscopes, read_microscopes

DAPI = drawn_cell()[0].astype(np.uint16) * 16
FITC = np.ascontiguousarray(DAPI[::-1])
BOTH = np.stack([FITC, DAPI])


def czi(folder: Path, planes: np.ndarray = BOTH) -> Path:
    library = import_module("pylibCZIrw.czi")
    path = folder / "cell.czi"
    with library.create_czi(str(path)) as file:
        for channel, plane in enumerate(planes):
            file.write(data=plane[..., None], plane={"C": channel, "T": 0, "Z": 0})
        file.write_metadata("cell", channel_names=dict(enumerate(["FITC", "DAPI"][: len(planes)])))
    return path


def ome_zarr(folder: Path, planes: np.ndarray = BOTH, **options: Any) -> Path:
    library = import_module("zarr")
    path = folder / "cell.zarr"
    group = library.open_group(path, mode="w")
    array = group.create_array("0", shape=planes.shape, dtype=planes.dtype, **options)
    if "chunks" not in options:
        array[:] = planes
    axes = [{"name": "c", "type": "channel"}, {"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    channels = [{"label": name} for name in ("FITC", "DAPI")]
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [{"axes": axes, "datasets": [{"path": "0"}]}],
        "omero": {"channels": channels},
    }
    return path


def lif(folder: Path, planes: np.ndarray = BOTH) -> Path:
    import_module("liffile")
    channels = "".join(
        f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="16" NameOfMeasuredQuantity="" Min="0" '
        f'Max="65535" Unit="" LUTName="{name}" IsLUTInverted="0" BytesInc="{number * DAPI.nbytes}" BitInc="0"/>'
        for number, name in enumerate(("FITC", "DAPI"))
    )
    height, width = DAPI.shape
    dimensions = "".join(
        f'<DimensionDescription DimID="{axis}" NumberOfElements="{size}" Origin="0" Length="1e-5" Unit="m" BitInc="0" '
        f'BytesInc="{step}"/>'
        for axis, size, step in ((1, width, 2), (2, height, 2 * width))
    )
    image = f"<ImageDescription><Channels>{channels}</Channels><Dimensions>{dimensions}</Dimensions></ImageDescription>"
    memory = f'<Memory Size="{planes.nbytes}" MemoryBlockID="MemBlock_1"/>'
    inner = f'<Element Name="cell" UniqueID="1"><Data><Image>{image}</Image></Data>{memory}<Children/></Element>'
    inner = f'<Element Name="file"><Children>{inner}</Children></Element>'
    xml = f'<LMSDataContainerHeader Version="2">{inner}</LMSDataContainerHeader>'
    header, name = xml.encode("utf-16-le"), "MemBlock_1".encode("utf-16-le")
    path = folder / "cell.lif"
    with path.open("wb") as file:
        file.write(struct.pack("<IIBI", 0x70, 5 + len(header), 0x2A, len(xml)) + header)
        file.write(struct.pack("<IIBQBI", 0x70, 14 + len(name), 0x2A, planes.nbytes, 0x2A, len(name) // 2) + name)
        file.write(planes.tobytes())
    return path


def nd2(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that a stub reads: three times, two channels."""

    class File:
        sizes: ClassVar = {"T": 3, "C": 2, "Y": DAPI.shape[0], "X": DAPI.shape[1]}
        dtype = DAPI.dtype
        metadata = SimpleNamespace(
            channels=[SimpleNamespace(channel=SimpleNamespace(name=n)) for n in ("FITC", "DAPI")]
        )

        def __init__(self, path: Path) -> None:
            assert path.read_bytes() == b"nd2"

        def __enter__(self) -> File:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def read_frame(self, number: int) -> np.ndarray:
            return BOTH + number

    monkeypatch.setitem(sys.modules, "nd2", SimpleNamespace(ND2File=File))
    path = folder / "cell.nd2"
    path.write_bytes(b"nd2")
    return path


@pytest.mark.parametrize("make", [czi, ome_zarr, lif])
def test_a_channel_is_read_by_its_name(make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make(tmp_path)
    for name, expected in (("DAPI", DAPI), ("fitc", FITC), ("2", DAPI)):
        picture = read_microscopes(path, name)
        assert [page.grey.tolist() for page in picture.pages] == [expected.tolist()]
        assert (picture.pages[0].bit_depth, picture.sha256) == (12, hash_of(path))
    with pytest.raises(
        InputRefusedError, match=r"has 2 channels; expected one of FITC, DAPI, or its number from 1; .*--channel"
    ):
        read_microscopes(path, None)
    with pytest.raises(InputRefusedError, match=r"without one channel 'Cy3'; expected one of FITC, DAPI, or"):
        read_microscopes(path, "Cy3")


def test_each_time_is_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = read_microscopes(nd2(tmp_path, monkeypatch), "DAPI")
    assert [(page.grey == DAPI + time).all() for time, page in enumerate(picture.pages)] == [True] * 3


def test_one_channel_needs_no_name(tmp_path: Path) -> None:
    assert (read_microscopes(czi(tmp_path, BOTH[1:]), None).pages[0].grey == DAPI).all()


@pytest.mark.parametrize(
    ("shape", "chunks"), [((2, 20_000, 20_000), (1, 500, 500)), ((2, 100, 100), (1, 30_000, 30_000))]
)
def test_what_is_too_large_is_refused_before_a_pixel_is_read(
    shape: tuple[int, ...], chunks: tuple[int, ...], tmp_path: Path
) -> None:
    path = ome_zarr(tmp_path, np.broadcast_to(np.uint16(1), shape), chunks=chunks)
    with pytest.raises(InputRefusedError, match="MB at most"):
        read_microscopes(path, "DAPI")


@pytest.mark.parametrize("suffix", [".czi", ".lif", ".zarr", ".nd2"])
def test_a_damaged_file_is_refused_in_one_sentence(suffix: str, tmp_path: Path) -> None:
    for module in EXTRAS["microscopes"]:
        import_module(module)
    path = tmp_path / f"cell{suffix}"
    path.write_bytes(b"\x70\x00\x00\x00" + bytes(300))
    with pytest.raises(InputRefusedError, match=r"cell\.\w+ cannot be read as .*TIFF"):
        read_microscopes(path, None)


@pytest.mark.parametrize("suffix", [".czi", ".lif", ".zarr", ".nd2"])
def test_without_the_extra_the_export_and_the_extra_are_named(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (*EXTRAS["microscopes"], "pylibCZIrw.czi"):
        monkeypatch.setitem(sys.modules, module, None)
    assert is_microscopes(tmp_path / f"a{suffix}")
    with pytest.raises(InputRefusedError, match=r"is a .* file; expected PNG.*TIFF.*chromseg-ops\[microscopes\]"):
        read_microscopes(tmp_path / f"a{suffix}", None)


def test_such_a_file_is_predicted_on_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = PictureWorker(threshold_predictor(), Asked(channel="DAPI"))
    (job,) = plan_jobs([nd2(tmp_path, monkeypatch)], tmp_path / "out")
    done = worker(job)
    assert (done.status, done.count) == ("done", 3 * 4)
    assert len(list((tmp_path / "out").rglob("page-00*/instances.json"))) == 3


def test_the_folder_of_an_ome_zarr_is_one_picture_known_by_all_that_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "cell.zarr"
    (folder / "0").mkdir(parents=True)
    (folder / "0" / "a.png").write_bytes(b"1")
    assert [job.source for job in plan_jobs([folder], tmp_path / "out")] == [folder]
    before = hash_of(folder)
    (folder / "0" / "a.png").write_bytes(b"2")
    assert before != hash_of(folder)
