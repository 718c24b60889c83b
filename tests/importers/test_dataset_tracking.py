"""`data track` runs DVC itself, each call of which takes seconds."""

import hashlib
import shutil
import subprocess
import sys

import pytest
import yaml

from chromseg.annotations.changes import compare, pictures_of
from chromseg.annotations.revisions import opened
from chromseg.annotations.tracking import track
from chromseg.dvc import folder_md5
from chromseg.errors import DataError
from chromseg.importers import import_dataset


def dvc(top, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=top, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def empty_project(tmp_path_factory):
    top = tmp_path_factory.mktemp("project")
    subprocess.run(["git", "init", "-q", "."], cwd=top, check=True)
    dvc(top, "init", "-q")
    dvc(top, "remote", "add", "-q", "embedded", "dvcstore")
    return top


@pytest.fixture
def project(empty_project, tmp_path, save):
    """A DVC project with a set that may be published, `sample`, and one of a lab."""
    top = tmp_path / "project"
    shutil.copytree(empty_project, top)
    save(tmp_path / "src/1.png")
    save(tmp_path / "src/2.png")
    import_dataset("singles", tmp_path / "src", "lab", data_root=top / "data")
    import_dataset("singles", tmp_path / "src", "sample", data_root=top / "data", stain="synthetic")
    return top


def outs(project):
    return {out["path"]: out for out in yaml.safe_load((project / "data.dvc").read_text())["outs"]}


def stored(folder):
    return {path.name for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_one_out_for_each_dataset_and_a_labs_images_to_their_own_remote_alone(project, tmp_path):
    assert track("sample", data_root=project / "data") == folder_md5(project / "data/sample")
    assert list(outs(project)) == ["data/sample"]
    dvc(project, "remote", "add", "-q", "own", str(tmp_path / "own"))
    md5 = track("lab", data_root=project / "data")
    assert md5 == folder_md5(project / "data/lab") == outs(project)["data/lab"]["md5"]
    assert {path: out["remote"] for path, out in outs(project).items()} == {
        "data/lab": "own",
        "data/sample": "embedded",
    }

    dvc(project, "push", "-q")
    dvc(project, "push", "-q", "-r", "embedded")
    card = md5_of(project / "data/lab/dataset.yaml")
    assert card[2:] in stored(tmp_path / "own") and card[2:] not in stored(project / "dvcstore")
    assert md5_of(project / "data/sample/dataset.yaml")[2:] in stored(project / "dvcstore")

    (project / "data/lab/notes.txt").write_text("changed")
    assert track("lab", data_root=project / "data") == outs(project)["data/lab"]["md5"] != md5
    assert outs(project)["data/lab"]["remote"] == "own" and len(outs(project)) == 2
    assert "up to date" in dvc(project, "status", "data.dvc")


def md5_of(path):
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("remote", [None, "embedded", "nowhere"])
@pytest.mark.parametrize("stain", ["q-band", "synthetic"])
def test_only_the_samples_may_go_to_the_embedded_remote(project, remote, stain):
    card = project / "data/lab/dataset.yaml"
    card.write_text(yaml.safe_dump(yaml.safe_load(card.read_text()) | {"stain": stain}))
    with pytest.raises(DataError, match=r"a DVC remote outside this repository.*dvc remote add"):
        track("lab", data_root=project / "data", remote=remote)
    assert not (project / "data.dvc").exists()


@pytest.mark.slow
def test_the_real_sample_goes_to_the_embedded_remote_and_the_set_it_is_of_does_not(project, tmp_path):
    for name in ("mfish-sample", "mfish"):
        import_dataset("singles", tmp_path / "src", name, data_root=project / "data", stain="dapi")
    track("mfish-sample", data_root=project / "data")
    with pytest.raises(DataError, match=r"a DVC remote outside this repository"):
        track("mfish", data_root=project / "data", remote="embedded")
    assert {path: out["remote"] for path, out in outs(project).items()} == {"data/mfish-sample": "embedded"}


@pytest.mark.slow
def test_several_remotes_must_be_chosen_from(project, tmp_path):
    for name in ("one", "two"):
        dvc(project, "remote", "add", "-q", name, str(tmp_path / name / ("long" * 40)))
    with pytest.raises(DataError, match="2 remotes to choose from; expected --remote with one of: one, two"):
        track("lab", data_root=project / "data")
    track("lab", data_root=project / "data", remote="two")
    assert outs(project)["data/lab"]["remote"] == "two"


@pytest.mark.slow
def test_another_tracked_set_that_is_not_there_is_named(project):
    (project / "data.dvc").write_text("outs:\n- path: data/gone\n")
    with pytest.raises(DataError, match=r"no data/gone; .*`dvc pull`"):
        track("sample", data_root=project / "data")
    assert (project / "data.dvc").read_text() == "outs:\n- path: data/gone\n"


@pytest.mark.slow
def test_a_failure_of_dvc_restores_the_listing(project):
    subprocess.run(["git", "add", "data/sample"], cwd=project, check=True)
    with pytest.raises(DataError, match=r"dvc commit: ERROR: .*data/sample.*tracked by SCM"):
        track("sample", data_root=project / "data")
    assert not (project / "data.dvc").exists()


def test_no_dataset_and_no_project(tmp_path, save):
    with pytest.raises(DataError, match=r"no .*dataset\.yaml"):
        track("gone", data_root=tmp_path / "data")
    save(tmp_path / "src/1.png")
    import_dataset("singles", tmp_path / "src", "lab", data_root=tmp_path / "data")
    with pytest.raises(DataError, match=r"no DVC project in .*; expected a folder \.dvc.*`dvc init`"):
        track("lab", data_root=tmp_path / "data")


@pytest.mark.slow
def test_a_set_is_opened_as_it_was_at_a_revision(project, save):
    data, git = project / "data", ["git", "-c", "user.name=me", "-c", "user.email=me@lab"]
    track("sample", data_root=data)
    subprocess.run(["git", "add", "data.dvc", ".dvc/config"], cwd=project, check=True)
    subprocess.run([*git, "commit", "-qm", "first"], cwd=project, check=True)
    source = project.parent / "src"
    save(source / "1.png", down=60)
    save(source / "3.png", down=20)
    import_dataset("singles", source, "sample", data_root=data, update=True)
    with opened("sample@HEAD", data) as was, opened("sample", data) as now:
        changes = compare(pictures_of(was), pictures_of(now))
    assert (changes.added, changes.repainted, changes.gone) == (("3.png",), ("1.png",), ())
    assert changes.moved == ()
    for wrong in ("sample@nowhere", "lab@HEAD"):
        with pytest.raises(DataError, match="at revision"), opened(wrong, data):
            pass
    shutil.rmtree(project / ".dvc/cache")
    with pytest.raises(DataError, match="its files in DVC's cache or on its remote"), opened("sample@HEAD", data):
        pass
