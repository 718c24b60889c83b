from __future__ import annotations

import os
import platform
import pwd
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from example_lineage import LINEAGE

from chromseg.errors import LineageError, RegistryError
from chromseg.files import sha256
from chromseg.registry.lineage import gather as provenance
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.log.actor import acting_through, current_actor

COMPLETE = Lineage.from_dict(LINEAGE | {"run_id": "run-1"})


@pytest.mark.parametrize("name", sorted(LINEAGE.keys() - {"validation"}))
def test_each_fact_is_demanded_by_name(name: str) -> None:
    values = COMPLETE.to_dict()
    del values[name]
    with pytest.raises(LineageError, match=f"without {name};"):
        Lineage.from_dict(values)


@pytest.mark.parametrize("name", ["run_id", "git_commit", "data_md5", "test_md5", "environment", "hardware"])
def test_an_empty_fact_is_as_bad_as_none(name: str) -> None:
    empty: dict[str, Any] = {name: {} if name == "data_md5" else ""}
    with pytest.raises(LineageError, match=f"without {name};"):
        replace(COMPLETE, **empty).complete()


def test_false_and_zero_are_facts() -> None:
    assert COMPLETE.seed == 0 and not COMPLETE.git_dirty
    assert COMPLETE.complete() is COMPLETE


def test_tags_and_back() -> None:
    lineage = replace(
        COMPLETE,
        validation=True,
        parents=("models:/chromseg/2",),
        dvc_stage="1234",
        variant="007",
        overrides={"params.yaml": [[["train", "base", "crop"], 48]]},
        installed={"numpy": "2.4.6"},
        runtime={"python": "3.11.7"},
    )
    assert all(isinstance(value, str) for value in lineage.tags().values())
    assert Lineage.from_tags(lineage.tags() | {"mlflow.user": "ada"}) == lineage


def test_tags_of_another_program_are_no_lineage() -> None:
    with pytest.raises(LineageError):
        Lineage.from_tags({"mlflow.user": "ada"})
    with pytest.raises(LineageError, match="cannot be read as lineage"):
        Lineage.from_tags(COMPLETE.tags() | {"seed": "none of your business"})


def test_the_environment_is_its_lock_file(project: Path) -> None:
    assert provenance.environment_hash() == ""
    (project / "requirements.lock").write_text("numpy==2.4.6\n")
    assert provenance.environment_hash() == sha256(project / "requirements.lock")


def test_the_dvc_stage_is_found_by_what_it_wrote(project: Path) -> None:
    (project / "dvc.lock").write_text(
        "schema: '2.0'\nstages:\n"
        "  train@tiny-0:\n    cmd: train 0\n    outs:\n    - {path: models/tiny-0, md5: aa.dir}\n"
        "  train@tiny-1:\n    cmd: train 1\n    outs:\n    - {path: models/tiny-1, md5: bb.dir}\n"
    )
    (project / "profiles/paper").mkdir(parents=True)
    (project / "profiles/paper/dvc.lock").write_text(
        "stages:\n  train:\n    cmd: train\n    outs:\n    - {path: models/tiny-0, md5: cc.dir}\n"
    )
    (project / "profiles/mylab").mkdir()
    (project / "profiles/mylab/dvc.yaml").write_text("stages:\n  train:\n    wdir: ../..\n    matrix: {seed: [0]}\n")
    (project / "profiles/mylab/dvc.lock").write_text(
        "stages:\n  train@0:\n    cmd: train\n    outs:\n    - {path: profiles/mylab/models/tiny-0, md5: dd.dir}\n"
    )
    folders = ("models/tiny-0", "models/tiny-1", "profiles/paper/models/tiny-0", "profiles/mylab/models/tiny-0")
    hashes = [provenance.dvc_stage_hash(project / folder) for folder in folders]
    assert None not in hashes and len(set(hashes)) == 4
    assert provenance.dvc_stage_hash(project / "models/other") is None


def test_what_a_model_starts_from_has_seen_data_too(make_model: Callable[..., Path]) -> None:
    first = make_model("first", data_md5={"cil24": "aa.dir", "sample": "bb.dir"})
    second = make_model("second", data_md5={"drawn": "cc.dir"})
    (second / "backbone.safetensors").touch()
    sources = (str(first), str(second / "backbone.safetensors"), "imagenet", "")
    assert provenance.data_behind(*sources) == {"cil24": "aa.dir", "sample": "bb.dir", "drawn": "cc.dir"}
    assert provenance.data_behind("", "imagenet", str(first.parent / "gone")) == {}


def test_hardware_names_processor_and_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "H200")
    assert provenance.hardware().endswith(", 2× H200")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert provenance.hardware().endswith(", no GPU")


def test_the_actor_is_a_name_with_user_and_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMSEG_ACTOR", "Ada Tester")
    assert current_actor().startswith("Ada Tester (")
    assert "@" in current_actor()


def test_the_git_identity_stands_in_and_nobody_is_refused(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    monkeypatch.delenv("CHROMSEG_ACTOR")
    with pytest.raises(RegistryError, match="nobody's name"):
        current_actor()
    config.write_text("[user]\nname = Grace\nemail = grace@lab.example\n")
    assert current_actor().startswith("Grace <grace@lab.example> (")


def test_the_account_is_the_systems_not_the_environments(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "HOSTNAME"):
        monkeypatch.setenv(name, "eve")
    account = f"({pwd.getpwuid(os.geteuid()).pw_name}@{platform.node()})"
    assert current_actor() == f"Ada Tester <ada@lab.example> {account}"
    assert acting_through("init") == f"init for Ada Tester <ada@lab.example> {account}"
    monkeypatch.setenv("CHROMSEG_ACTOR", "Eve (root@server)\n2026-01-01 Ada")
    assert current_actor() == f"Eve (root@server) 2026-01-01 Ada {account}"
