"""Each `dvc.yaml` is what the template makes of params and imports; DVC sees all that decides a result."""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from chromseg.errors import ConfigError, DataError
from pipelines import publish, stages
from pipelines.closure import closure, condensed
from pipelines.environment import distributions, environment, read_lock
from pipelines.profile import Profile

ROOT = Path(__file__).parents[2]
PROFILES = sorted(path.parent.name for path in ROOT.glob("profiles/*/params.yaml"))
LOCK = (ROOT / "requirements.lock").read_text()
# What no stage depends on although its modules import it: it tells, stores or shows.
PLUMBING = re.compile(r"chromseg/(__init__|api|extras|project)\.py|chromseg/(cli|pages|registry|serving)/.*")


@pytest.fixture(autouse=True)
def top(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def pipelines() -> list[Any]:
    return [pytest.param(Path(), id="default"), *(pytest.param(Path("profiles") / name, id=name) for name in PROFILES)]


def stages_of(folder: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / folder / "dvc.yaml").read_text())["stages"])


@pytest.mark.parametrize("profile", stages.profiles(), ids=lambda profile: profile.name)
def test_dvc_yaml_is_what_the_template_makes(profile: Profile) -> None:
    assert (profile.root / "dvc.yaml").read_text() == stages.pipeline_text(profile), "run `make stages`"


def test_environment_is_what_the_lock_says() -> None:
    assert Path("environment.yaml").read_text() == stages.environment_text(), "run `make stages`"


def test_profiles_differ_in_nothing_but_names_and_variants() -> None:
    """The deps of `train` stood seven times and had drifted apart."""
    code = {
        name: {
            tuple(dep for dep in stage["deps"] if dep.startswith(("chromseg/", "pipelines/")))
            for stage in (stages_of(Path("profiles") / name)).values()
            if "pipelines.train" in stage["cmd"]
        }
        for name in PROFILES
    }
    assert len(set().union(*code.values())) == 1


@pytest.mark.parametrize("folder", pipelines())
def test_dependencies_cover_the_imports(folder: Path) -> None:
    for name, stage in stages_of(folder).items():
        [module] = re.findall(r"-m (pipelines\.\w+)", stage["cmd"])
        missing = [
            file
            for file in imported_files(module)
            if not PLUMBING.fullmatch(file) and not any(f"{file}/".startswith(f"{dep}/") for dep in stage["deps"])
        ]
        assert missing == [], name


@cache
def imported_files(module: str) -> list[str]:
    """Every `import` line below a module, found by text, so that the test does not share the code's own reading."""
    todo, files = [module], set[str]()
    while todo:
        path = Path(*todo.pop().split("."))
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.as_posix() in files or not file.is_file():
                continue
            files.add(file.as_posix())
            if PLUMBING.fullmatch(file.as_posix()):
                continue
            text = file.read_text()
            todo += re.findall(r"^\s*import ((?:chromseg|pipelines)[\w.]*)", text, re.MULTILINE)
            for source, names in re.findall(
                r"^\s*from ((?:chromseg|pipelines)[\w.]*) import (\([^)]*\)|[^\n]*)", text, re.MULTILINE
            ):
                parts = source.split(".")
                todo += [".".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
                todo += [f"{source}.{each}" for each in re.findall(r"\w+", names)]
    return sorted(files)


@pytest.mark.parametrize(
    "path",
    ["chromseg/config/models.py", "chromseg/images/tone.py", "chromseg/metrics/overlap.py", "pipelines/train.py"],
)
def test_train_depends_on_what_decides_it(path: str) -> None:
    assert path in imported_files("pipelines.train")
    assert any(f"{path}/".startswith(f"{dep}/") for dep in stages_of(Path())["train"]["deps"])


def test_imports_inside_functions_count_and_plumbing_does_not(tmp_path: Path) -> None:
    files = {
        "pipelines/__init__.py": "",
        "pipelines/cut.py": "def f():\n    from chromseg.metrics import area\n    import torch.nn\n",
        "chromseg/__init__.py": "import mlflow\n",
        "chromseg/metrics/__init__.py": "",
        "chromseg/metrics/area.py": "from chromseg.registry import store\nif TYPE_CHECKING:\n    import pandas\n",
        "chromseg/metrics/other.py": "",
        "chromseg/registry/__init__.py": "",
        "chromseg/registry/store/store.py": "import mlflow\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = closure("pipelines.cut", tmp_path)
    assert found.libraries == {"torch"}
    assert condensed(found.files, tmp_path) == ["chromseg/metrics", "pipelines/__init__.py", "pipelines/cut.py"]


def bumped(name: str) -> str:
    """The lock file with another version of one distribution."""
    changed = re.sub(rf"^{re.escape(name)}==\S+", f"{name}==99.0", LOCK, flags=re.MULTILINE)
    assert changed != LOCK
    return changed


def test_a_new_torch_makes_train_stale_and_a_new_web_server_does_not() -> None:
    [named] = [part["environment.yaml"] for part in stages_of(Path())["train"]["params"] if isinstance(part, dict)]
    before = environment(LOCK, named)
    for name, shown in (("torch", "torch"), ("numpy", "numpy"), ("sympy", "torch")):
        assert environment(bumped(name), named)[shown] != before[shown], name
    for name in ("fastapi", "uvicorn", "starlette", "mlflow", "pytest"):
        assert environment(bumped(name), named) == before, name


def test_the_lock_is_read_with_all_versions_and_needs() -> None:
    locked = read_lock(
        "b==1 ; x\n    --hash=sha256:0\n    # via\n    #   a\n    #   c\n"
        "b==2 ; y\n    # via a\na==3\n    # via top (pyproject.toml)\n"
    )
    assert (locked["b"].versions, locked["a"].needs, locked["c"].needs) == (["1", "2"], {"b"}, {"b"})


def test_a_library_that_is_not_locked_is_refused() -> None:
    assert distributions({"skimage", "great_expectations"}) == ["great-expectations", "scikit-image"]
    with pytest.raises(ConfigError, match=r"nothing-like-it not in requirements\.lock.*make lock"):
        environment(LOCK, ["nothing-like-it"])


@pytest.mark.parametrize("folder", pipelines())
def test_no_output_with_pixels_or_weights_can_be_pushed(folder: Path) -> None:
    for name, stage in stages_of(folder).items():
        for out in (*stage.get("outs", ()), *stage.get("plots", ())):
            [options] = out.values()
            assert options == {"cache": False}, f"{name}: {out}"


def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remotes: list[str]) -> Profile:
    """A copy of profiles/mylab whose outputs are to go to the remote `store`."""
    for name in ("chromseg", "pipelines"):
        (tmp_path / name).symlink_to(ROOT / name)
    folder = tmp_path / "profiles/otherlab"
    shutil.copytree(ROOT / "profiles/mylab", folder)
    text = (folder / "params.yaml").read_text().replace("mylab", "otherlab")
    (folder / "params.yaml").write_text(text + "\nstages: {remote: store}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stages, "outside_remotes", lambda top: remotes)
    return Profile("otherlab")


def test_a_lab_may_keep_outputs_in_its_own_remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = stages.pipeline_text(lab(tmp_path, monkeypatch, ["store"]))
    made = yaml.safe_load(text)["stages"]
    assert made["prepare"]["outs"] == [{"profiles/otherlab/prepared": {"remote": "store"}}]
    assert made["train"]["outs"] == [{"profiles/otherlab/models/${item.variant}-${item.seed}": {"remote": "store"}}]
    assert made["evaluate"]["outs"] == [{"reports/otherlab/scores/${item.variant}-${item.seed}": {"cache": False}}]


def test_no_remote_inside_the_repository_takes_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"`stages\.remote` of otherlab is 'store'.*outside this repository"):
        stages.pipeline_text(lab(tmp_path, monkeypatch, []))


def test_a_copied_profile_needs_nothing_but_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = lab(tmp_path, monkeypatch, ["store"])
    params = profile.root / "params.yaml"
    params.write_text(params.read_text().replace("\nstages: {remote: store}\n", ""))
    assert stages.pipeline_text(profile) == (ROOT / "profiles/mylab/dvc.yaml").read_text().replace("mylab", "otherlab")


def test_git_has_of_the_embedded_remote_the_samples_and_the_box_alone() -> None:
    assert publish.in_git() == publish.published()


def test_two_datasets_are_published_and_no_third() -> None:
    assert set(publish.PUBLISHED["data.dvc"]) == {"data/sample", "data/mfish-sample"}
    outs = yaml.safe_load(Path("data.dvc").read_text())["outs"]
    assert {out["path"] for out in outs} == {"data/sample", "data/mfish-sample"}
    for out in outs:
        assert publish.STORE / "files/md5" / out["md5"][:2] / out["md5"][2:] in publish.published(), out["path"]


@pytest.mark.parametrize("name", ["lab", "mfish", "mfish-sample-2", "sample/mine"])
@pytest.mark.parametrize("remote", [{"remote": "embedded"}, {}], ids=["embedded", "unsaid"])
def test_nothing_else_may_name_the_embedded_remote(
    name: str, remote: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("data.dvc", "bundled.dvc"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "dvcstore").symlink_to(ROOT / "dvcstore")
    monkeypatch.chdir(tmp_path)
    listing = yaml.safe_load(Path("data.dvc").read_text())
    listing["outs"].append({"path": f"data/{name}", "md5": "0" * 32 + ".dir", **remote})
    Path("data.dvc").write_text(yaml.safe_dump(listing))
    with pytest.raises(
        DataError, match=f"data/{name} goes to the remote `embedded`, which is published.*mfish-sample alone"
    ):
        publish.published()
