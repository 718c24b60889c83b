"""Does the imported `bioimlab` set hold the clusters that the data contract says? 148 crossing clusters, 20 touching.

chromseg-ops data import labelme PATH/bioimlab --name bioimlab
python -m benchmarks.bioimlab_clusters         # half a minute; exit 1 if a figure differs
"""

from __future__ import annotations

import sys
from pathlib import Path

from chromseg.annotations import read_dataset
from chromseg.annotations.summary import summarize
from chromseg.dvc import folder_md5

EXPECTED = {"images": 124, "cases": 88, "chromosomes": 5222, "clusters of 2": 124, "of 3": 14, "of 4": 9, "of 5": 1}
EXPECTED |= {"crossing clusters within 256×256": 148, "touching": 20}


def main() -> None:
    """Count and compare."""
    root = Path("data/bioimlab")
    summary = summarize(read_dataset(root))
    overlaps = summary.overlaps
    if overlaps is None or overlaps.fitting is None or overlaps.touching is None:
        sys.exit(f"{root} has no outlines")
    counts = [summary.images, summary.cases, summary.chromosomes, *(row.clusters for row in overlaps.rows)]
    found = dict(zip(EXPECTED, [*counts, overlaps.fitting, overlaps.touching], strict=True))
    print(f"data md5 {folder_md5(root)}")
    for name, value in found.items():
        print(f"{name:34}{value:6}{'' if value == EXPECTED[name] else f'   expected {EXPECTED[name]}'}")
    sys.exit(found != EXPECTED)


if __name__ == "__main__":
    main()
