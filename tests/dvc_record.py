"""What vouches for a model: the `run.json` of its training, and what `dvc repro` leaves in `dvc.lock`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from chromseg.dvc import folder_md5
from chromseg.registry.lineage.lineage import Lineage


def record_run(folder: Path) -> None:
    """Write the `run.json` that the training of a model folder would have left."""
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    params = {f"model.{name}": value for name, value in card["architecture"].items()}
    epoch = {key: value for key, value in card["metrics"].items() if not key.startswith("test/")}
    tags = Lineage.from_dict(card["lineage"]).tags()
    run = {"params": params, "tags": tags, "metrics": [{"step": 0, **epoch}], "artifacts": []}
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")


def record(folder: Path, project: Path, scores: Mapping[str, float | None] | None = None) -> None:
    """Enter a model folder as it is now into the project's `dvc.lock`, and its scores if there are any."""
    lock = project / "dvc.lock"
    content = yaml.safe_load(lock.read_text(encoding="utf-8")) if lock.is_file() else {"schema": "2.0", "stages": {}}
    md5, name = folder_md5(folder), folder.name
    content["stages"][f"train@{name}"] = {"cmd": f"train {name}", "outs": [{"path": str(folder), "md5": md5}]}
    if scores is not None:
        report = project / "reports" / "default" / "scores" / name
        report.mkdir(parents=True, exist_ok=True)
        (report / "metrics.json").write_text(json.dumps({"metrics": dict(scores), "intervals": {}, "slices": {}}))
        content["stages"][f"evaluate@{name}"] = {
            "cmd": f"evaluate {name}",
            "deps": [{"path": str(folder), "md5": md5}],
            "outs": [{"path": report.relative_to(project).as_posix(), "md5": folder_md5(report)}],
        }
    lock.write_text(yaml.safe_dump(content), encoding="utf-8")
