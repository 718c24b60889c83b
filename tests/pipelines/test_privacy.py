"""A lab at work in a clone: nothing of its pictures reaches what is published, whatever is pushed.

One story in one clone, because every call of DVC takes seconds.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from clone import Clone

from chromseg.annotations.tracking import SAMPLES, track
from chromseg.importers import import_dataset
from chromseg.synthesis import synthesize_dataset

PUSHES = [  # `--all-commits` begins with the working folder, so these hold the plainer forms
    ("push", "--all-commits", "--run-cache"),
    ("push", "-r", "embedded", "--all-commits", "--run-cache"),
    ("exp", "push", "origin", "--rev", "HEAD"),
]
LABS = ("mylab", "otherlab")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone of its own, without the project's history, through which `--all-commits` would walk for minutes."""
    return Clone(tmp_path_factory.mktemp("lab") / "project", shallow=True)


def git(clone: Clone, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@lab.example")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=clone.folder, capture_output=True, text=True, check=True).stdout


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_fresh_clone_is_quiet(fresh: Clone) -> None:
    for command in (("pull",), ("checkout",), ("push",), ("exp", "show", "--no-pager")):
        stdout, stderr = fresh.told(*command)
        assert len((stdout + stderr).splitlines()) < 12, (command, stdout, stderr)
        assert "ERROR" not in stderr and "missing" not in (stdout + stderr).lower(), command
    for name in SAMPLES:
        assert (fresh.folder / "data" / name / "annotations.json").is_file()
    assert git(fresh, "status", "--porcelain") == ""


@pytest.mark.slow
def test_nothing_of_a_lab_reaches_the_embedded_remote(fresh: Clone, tmp_path: Path) -> None:
    clone, published = fresh, files(fresh.folder / "dvcstore")
    others = [path.name for path in (clone.folder / "profiles").iterdir() if path.name != "mylab"]
    git(clone, "rm", "-rq", *(f"profiles/{name}" for name in others))  # hundreds of stages that DVC reads each time
    clone.dvc("pull")
    pictures(clone, tmp_path)
    clone.dvc("remote", "add", "-q", "lab-store", str(tmp_path / "lab-store"))
    # DVC reads a relative address of an older commit as one below /, and would write there
    clone.dvc("remote", "modify", "--local", "embedded", "url", str(clone.folder / "dvcstore"))
    track("mylab", data_root=clone.folder / "data", remote="lab-store")
    git(clone, "add", "-A")
    git(clone, "commit", "-qm", "our pictures and pipelines")

    clone.dvc("exp", "run", "-n", "first", "profiles/mylab/dvc.yaml:prepare")
    clone.dvc("repro", "profiles/otherlab/dvc.yaml:prepare")
    made = [out for name in LABS for out in outputs(clone, name)]
    assert len(made) > 20 and all(in_cache(clone, md5).is_file() for md5 in made), "nothing there that could be pushed"
    git(clone, "add", "-A")
    git(clone, "commit", "-qm", "prepared")

    git(clone, "remote", "set-url", "origin", str(bare(tmp_path)))
    for command in PUSHES:
        clone.dvc(*command)
        assert files(clone.folder / "dvcstore") == published, command
    card = json.loads(in_cache(clone, md5_of(clone, "data/mylab")).read_text())[0]["md5"]
    assert (tmp_path / "lab-store/files/md5" / card[:2] / card[2:]).is_file(), "the lab's own remote has its pictures"
    assert not any((tmp_path / "lab-store/files/md5" / md5[:2] / md5[2:]).exists() for md5 in made)

    stray = clone.folder / "dvcstore/files/md5/00/stray"
    stray.parent.mkdir(exist_ok=True)
    stray.write_text("a picture")
    git(clone, "add", "-A")
    assert git(clone, "status", "--porcelain") == ""

    assert "applied" in clone.dvc("exp", "apply", "first")
    shutil.rmtree(clone.folder / "profiles/mylab/prepared")
    assert "is cached - skipping run" in clone.dvc("repro", "profiles/mylab/dvc.yaml:prepare"), "the run cache has it"
    staleness(clone)


def pictures(clone: Clone, scratch: Path) -> None:
    """What two labs draw, imported; and the profile of the second, a copy of the first's."""
    drawn = {"size": (300, 300), "chromosomes": 12, "crossings": 3, "images_per_case": 1}
    for seed, name in enumerate(LABS):
        synthesize_dataset(scratch, f"drawn-{name}", count=10, seed=seed, **drawn)
        source = scratch / f"drawn-{name}"
        import_dataset("coco", source, name, data_root=clone.folder / "data", stain="q-band")
    shutil.copytree(clone.folder / "profiles/mylab", clone.folder / "profiles/otherlab")
    for file in (clone.folder / "profiles/otherlab").iterdir():
        file.write_text(file.read_text().replace("mylab", "otherlab"))


def staleness(clone: Clone) -> None:
    """What changes a result makes a stage stale, in DVC's own eyes; a web library does not."""
    stage = "profiles/mylab/dvc.yaml:prepare"
    environment = clone.folder / "environment.yaml"
    locked = yaml.safe_load(environment.read_text())
    environment.write_text(yaml.safe_dump(locked | {"fastapi": "99"}))
    assert "up to date" in clone.dvc("status", stage)
    environment.write_text(yaml.safe_dump(locked | {"numpy": "99"}))
    with (clone.folder / "chromseg/images/tone.py").open("a") as code:
        code.write("# another tone\n")
    told = clone.dvc("status", stage)
    assert "numpy" in told and "chromseg/images" in told


def outputs(clone: Clone, profile: str) -> list[str]:
    """md5 of the listing and of each file that `prepare` left."""
    listing = md5_of_lock(clone, profile)
    return [listing, *(each["md5"] for each in json.loads(in_cache(clone, listing).read_text()))]


def md5_of_lock(clone: Clone, profile: str) -> str:
    lock = yaml.safe_load((clone.folder / f"profiles/{profile}/dvc.lock").read_text())
    return str(lock["stages"]["prepare"]["outs"][0]["md5"])


def md5_of(clone: Clone, dataset: str) -> str:
    listed = yaml.safe_load((clone.folder / "data.dvc").read_text())["outs"]
    return str(next(out["md5"] for out in listed if out["path"] == dataset))


def in_cache(clone: Clone, md5: str) -> Path:
    return clone.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


def bare(scratch: Path) -> Path:
    """A repository to push to."""
    subprocess.run(["git", "init", "-q", "--bare", str(scratch / "origin.git")], check=True)
    return scratch / "origin.git"
