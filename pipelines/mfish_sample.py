"""The real pictures of the project, `data/mfish-sample`: nine metaphases of nine slides of the M-FISH set, under DAPI.

python -m pipelines.mfish_sample PATH/TO/mfish

The set may be passed on as long as its notice stays, so that lies beside the pictures; then `chromseg-ops data track
mfish-sample` and `make publish`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from chromseg.annotations.tracking import REAL_SAMPLE
from chromseg.errors import DataError
from chromseg.files import replacing
from chromseg.importers import import_dataset
from chromseg.project import DATA
from pipelines.profile import run_stage

NOTICE = "ORIGINAL_README_AND_LICENCE.TXT"
# In these every outline is one chromosome (elsewhere like ones touch and come out as one): there are as many as the
# ISCN formula says, but for A0401XY, whose field lacks a 13 and a 19. They are some 11 px wide, as in the drawn sample.
# There is what a lab meets: crossings, crowds, nuclei, a cleaned ground; A210346 alone is a little out of focus.
CHOSEN = (
    *("A020402", "A230150", "P0901XY", "P1102XY", "V260155"),  # train
    *("P070218", "V1303XY"),  # val
    *("A0401XY", "A210346"),  # test: of slides A04 and A21, which are the test cases of the whole set
)


def main() -> None:
    """Write `data/mfish-sample`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("src", type=Path, help=f"the M-FISH set: dapi/, labels/ and {NOTICE}")
    make(parser.parse_args().src, Path(DATA))


def make(src: Path, data_root: Path) -> None:
    """Import the chosen pictures, with the notice beside them, in the splits that their cases have in the whole set.

    So a model that was trained on a set `mfish` has not seen the test pictures, and the set keeps its splits where both
    lie side by side.

    Raises:
        DataError: There is a dataset of this name, or a file is missing.
    """
    target = data_root / REAL_SAMPLE
    if target.exists():
        raise DataError(f"{target} exists already", expected="a place to write it to", remedy="remove the folder")
    with TemporaryDirectory() as scratch:
        chosen = Path(scratch) / "chosen"
        _copy_chosen(src, chosen)
        import_dataset("class-map", chosen, "mfish", data_root=Path(scratch), stain="dapi")
        # whose case and split the importer takes over, since it knows the pictures again
        import_dataset(
            "class-map",
            chosen,
            REAL_SAMPLE,
            data_root=Path(scratch),
            stain="dapi",
            source="ADIR M-FISH, nine metaphases",
            licence=f"free to use, copy, modify and distribute if the notice stays: {NOTICE}",
            citation="Advanced Digital Imaging Research, PSI M-FISH image set 1 (2000)",
            tell=_tell,
        )
        made = Path(scratch) / REAL_SAMPLE
        shutil.copyfile(src / NOTICE, made / NOTICE)
        with replacing(target) as place:
            shutil.copytree(made, place)


def _copy_chosen(src: Path, target: Path) -> None:
    wanted = [Path(name) for each in CHOSEN for name in (f"dapi/{each}D.tif", f"labels/{each}K.tif")]
    missing = [name for name in (*wanted, Path(NOTICE)) if not (src / name).is_file()]
    if missing:
        raise DataError(
            f"no {missing[0]} in {src}", expected="the M-FISH set of ADIR", remedy="give the folder that holds dapi/"
        )
    for name in wanted:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(src / name, target / name)


def _tell(message: str) -> None:
    print(message, file=sys.stderr)


if __name__ == "__main__":
    run_stage(main)
