from __future__ import annotations

import os
import platform
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from dvc_record import record, record_run
from tiny_cascade import build

from chromseg.config import KaryotypeConfig
from chromseg.errors import RegistryError
from chromseg.models import build_model
from chromseg.models.package import read_card, save_model
from chromseg.registry.card.text import sections_of
from chromseg.registry.gates import judge
from chromseg.registry.log import actor
from chromseg.registry.promotion import history, promote
from chromseg.registry.transfer.bundled import register_bundled
from chromseg.registry.versions.listing import list_versions, show
from chromseg.registry.versions.register import register
from chromseg.registry.versions.resolve import Resolved, resolve


@pytest.fixture
def bundled(store: Path, make_model: Callable[..., Path]) -> Path:
    """A project with one bundled model."""
    shutil.copytree(make_model(), store / "bundled" / "chromseg")
    return store


def test_the_box_becomes_version_1_champion_once(bundled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHROMSEG_ACTOR")
    monkeypatch.setattr(actor, "_git_identity", lambda: "")  # that nobody has a name must not stop a first start
    account = f"{pwd.getpwuid(os.geteuid()).pw_name}@{platform.node()}"
    for expected_new in (True, False):
        [(version, new)] = register_bundled()
        assert (version.name, version.number, new) == ("chromseg", 1, expected_new)
    assert show("chromseg@champion").number == 1
    assert show("chromseg/1").lineage.run_id == "run-of-tiny-0"
    assert [(event.action, event.by) for event in history("chromseg")] == [
        ("register", f"chromseg-ops init ({account})"),
        ("promote", f"chromseg-ops init ({account})"),
    ]


def test_a_champion_of_the_lab_stays(bundled: Path, make_model: Callable[..., Path]) -> None:
    register(make_model("own", seed=7), "chromseg")
    promote("chromseg/1", reason="ours")
    [(version, new)] = register_bundled()
    assert (version.number, new) == (2, True)
    assert show("chromseg@champion").number == 1


@pytest.mark.parametrize("own", [0, 1])
def test_a_cascade_in_the_box_is_pinned_to_its_parents_as_they_are_numbered_here(
    own: int, store: Path, make_model: Callable[..., Path], parents: tuple[Resolved, Resolved]
) -> None:
    """Alphabetically it would come before them; and a laboratory's own model may have their numbers."""
    for number in range(own):
        register(make_model("own", seed=7), "chromseg")
        promote(f"chromseg/{number + 1}", reason="ours")
    maps, detector = (replace(parent, version=1) for parent in parents)
    build(store / "bundled/cascade", maps, detector)
    (store / "bundled/cascade/MODEL_CARD.md").write_text("# x\n\n## Intended use\n\nchromseg/1\n\n## Limits\n\nnone\n")
    for parent in (maps, detector):
        shutil.copytree(parent.folder, store / "bundled" / str(parent.name))
    for new in (True, False):
        found = register_bundled()
        assert [version.name for version, _ in found] == ["chromseg", "ucrd-net", "cascade"]
        assert {is_new for _, is_new in found} == {new}
    parent = f"chromseg/{1 + own}"
    assert show("cascade/1").lineage.parents == (f"models:/{parent}", "models:/ucrd-net/1")
    told = sections_of((resolve("models:/cascade/1") / "MODEL_CARD.md").read_text())
    assert parent in told["Intended use"] and told["Limits"] == "none"


def test_a_model_that_names_becomes_champion_by_the_usual_gates(store: Path, make_model: Callable[..., Path]) -> None:
    """It finds no chromosomes: it is asked whether it names cut ones alike however they lie, and how well it named."""
    usual = yaml.safe_load((Path(judge.__file__).with_name("promotion.yaml")).read_text())
    (store / "promotion.yaml").write_text(yaml.safe_dump(usual | {"model_card": []}))
    torch.manual_seed(0)
    network = build_model(KaryotypeConfig("karyotype", width=4, blocks=1)).eval()
    for score in (0.9, 0.8):
        folder = make_model(f"names-{score}")
        card = replace(read_card(folder), architecture=network.config, metrics={"test/class_acc": score})
        shutil.rmtree(folder)
        torch.nn.init.constant_(network.head[-1].bias, score)  # other weights, the same names
        save_model(folder, network, card)
        record_run(folder)
        record(folder, store)
        register(folder, "karyotype")
    promote("karyotype/1", reason="first")
    assert show("karyotype@champion").number == 1
    with pytest.raises(RegistryError, match=r"champion test/class_acc") as refused:
        promote("karyotype/2", reason="worse")
    assert "overall_acc" not in str(refused.value) and "slices" not in str(refused.value)


def test_an_empty_box_is_told(store: Path) -> None:
    with pytest.raises(RegistryError, match=r"no model in .*bundled; expected bundled/<name>/model.json"):
        register_bundled()
    assert list_versions() == []


@pytest.mark.slow
def test_a_missing_box_is_pulled_by_dvc(bundled: Path) -> None:
    def dvc(*arguments: str) -> None:
        subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=bundled, check=True, capture_output=True)

    dvc("init", "--no-scm")
    dvc("remote", "add", "-d", "embedded", "dvcstore")
    dvc("add", "bundled")
    dvc("push")
    shutil.rmtree(bundled / "bundled")
    shutil.rmtree(bundled / ".dvc" / "cache")
    [(version, new)] = register_bundled()
    assert (version.number, new) == (1, True)
    shutil.rmtree(bundled / "bundled")
    shutil.rmtree(bundled / ".dvc" / "cache")
    shutil.rmtree(bundled / "dvcstore")
    with pytest.raises(RegistryError, match=r"`dvc pull bundled.dvc` failed"):
        register_bundled()
