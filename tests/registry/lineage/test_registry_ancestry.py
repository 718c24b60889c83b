"""Which stage trains a variant again."""

from __future__ import annotations

from pathlib import Path

import pytest
from example_lineage import LINEAGE

from chromseg.registry.lineage.ancestry import stages
from chromseg.registry.lineage.lineage import Lineage


@pytest.mark.parametrize("stage", ["train", "pretrain", "karyotype"])
def test_a_variant_is_trained_by_the_stage_whose_block_names_it(tmp_path: Path, stage: str) -> None:
    (tmp_path / "params.yaml").write_text(
        f"prepare: {{datasets: [sample]}}\n{stage}: {{base: {{}}, variants: {{strips: {{}}}}}}\n"
    )
    lineage = Lineage.from_dict(LINEAGE | {"profile": "default", "variant": "strips", "seed": 2})
    assert stages(tmp_path, lineage)[-1] == (stage, ("--variant", "strips", "--seed", "2"))
