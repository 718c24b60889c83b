"""What stands in deploy/ fits the project: commands, options, probes, metrics and versions exist, and references meet.

No container engine, Kubernetes or Slurm is needed, and none was at hand: the head of each file says what was not run.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chromseg.cli.app import VERBS, load_verb
from chromseg.serving.metrics import Metrics

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
MANIFESTS = [path for path in FILES if path.parent.name == "kubernetes"]
each_manifest = pytest.mark.parametrize("file", MANIFESTS, ids=lambda path: path.name)


def documents(file: Path) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(file.read_text(encoding="utf-8")) if each]


def found(tree: Any, key: str) -> Iterator[Any]:
    """Every value of a key, however deep."""
    for name, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        if name == key:
            yield value
        yield from found(value, key)


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every call of `chromseg-ops` in deploy/, with the file it stands in."""
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        if file.suffix in (".yaml", ".yml"):
            trees = documents(file)
            lists = [value for tree in trees for key in ("args", "command") for value in found(tree, key)]
            yield from ((file.name, words) for words in lists if isinstance(words, list) and words[0] in VERBS)
            text = (
                "\n".join(
                    [*found(trees, "entrypoint")] + [" ".join(words) for words in lists if isinstance(words, list)]
                )
                if all(isinstance(each, str) for each in found(trees, "entrypoint"))
                else ""
            )
        for call in re.findall(r"chromseg-ops ((?!\\|`).*)", text.replace("\\\n", " ")):
            if not call.startswith(("serve --new-key", ".")):
                yield file.name, shlex.split(call, comments=True)


CALLS = list(commands())


def test_every_way_to_run_it_is_looked_at() -> None:
    named = {"compose.yaml", "server.yaml", "cohort-ray.yaml", "cohort-indexed.yaml", "cohort.sbatch"}
    assert named <= {file for file, _ in CALLS}


@pytest.mark.parametrize(("file", "words"), CALLS)
def test_commands_and_options_exist(file: str, words: list[str]) -> None:
    known = {name for parameter in load_verb(words[0]).params for name in parameter.opts}
    used = {word for word in words if word.startswith("--")}
    assert used and used <= known, (file, used - known)


@pytest.mark.parametrize("file", [path for path in FILES if path.suffix != ".yml"], ids=lambda path: path.name)
def test_each_says_what_was_not_run(file: Path) -> None:
    assert "Not run here" in file.read_text(encoding="utf-8")


@each_manifest
def test_a_manifest_says_what_it_is_and_its_references_meet(file: Path) -> None:
    for each in documents(file):
        assert {"apiVersion", "kind", "metadata", "spec"} == each.keys() and each["metadata"]["name"]
        for pod in found(each, "template"):
            volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])}
            for container in pod["spec"]["containers"]:
                mounts = {mount["name"] for mount in container.get("volumeMounts", [])}
                assert mounts <= volumes and container["resources"]["requests"].keys() == {"cpu", "memory"}


def test_the_parts_of_the_server_find_each_other() -> None:
    deployment, service, scaler, budget = documents(DEPLOY / "kubernetes" / "server.yaml")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == budget["spec"]["selector"]["matchLabels"] == labels
    assert service["spec"]["selector"] == labels
    assert service["spec"]["sessionAffinity"] == "ClientIP", "where a client's jobs are"
    assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (port,) = container["ports"]
    assert str(port["containerPort"]) in container["args"]
    assert {probe["httpGet"]["port"] for name, probe in container.items() if name.endswith("Probe")} == {port["name"]}
    assert [each["targetPort"] for each in service["spec"]["ports"]] == [port["name"]]


def test_the_autoscaler_asks_for_a_metric_of_the_server() -> None:
    (name,) = found([documents(DEPLOY / "kubernetes" / "server.yaml")[2]], "metric")
    assert f"# TYPE {name['name']} gauge" in Metrics().text().decode()


def test_probes_are_the_servers_open_ones() -> None:
    from chromseg.serving.guard import PROBES

    texts = [file.read_text(encoding="utf-8") for file in FILES]
    asked = {path for text in texts for path in re.findall(r"(?:path: |:8000)(/\w+)", text)}
    assert asked and asked <= set(PROBES)


def test_services_of_the_composition_are_there_and_secrets_are_asked_for() -> None:
    (compose,) = documents(DEPLOY / "compose.yaml")
    for service in compose["services"].values():
        assert set(service.get("depends_on", ())) <= compose["services"].keys()
        assert set(service.get("secrets", ())) <= compose["secrets"].keys()
        named = {volume.split(":")[0] for volume in service.get("volumes", ()) if not volume.startswith(".")}
        assert named <= compose["volumes"].keys()
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), "nothing is open to the world"
    for value in found(compose, "POSTGRES_PASSWORD"):
        assert value.startswith("${") and ":?" in value
    images = [each for each in found(compose, "image") if each != "chromseg-ops"]
    assert images and all(re.search(r":\w*\.?\d", image.rpartition("/")[2]) for image in images), "no image is `latest`"


def test_versions_are_those_of_the_lock() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    (job,) = documents(DEPLOY / "kubernetes" / "cohort-ray.yaml")
    assert f"\nray=={job['spec']['rayClusterSpec']['rayVersion']} " in lock
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    images = {image for file in MANIFESTS for each in documents(file) for image in found(each, "image")}
    assert images == {f"registry.example/chromseg-ops:{project['version']}"}
    container = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    python = re.search(r"python:(3\.\d+)", container)
    assert python and f"--python-version {python[1]}" in lock
    copied = [name for line in re.findall(r"^COPY (.*) \S+$", container, re.MULTILINE) for name in line.split()]
    assert copied and all((ROOT / name).exists() for name in copied)


def test_there_are_as_many_shares_as_pods() -> None:
    (job,) = documents(DEPLOY / "kubernetes" / "cohort-indexed.yaml")
    (words,) = found(job, "args")
    assert f"/{job['spec']['completions']}" in words[0].split("--shard")[1]


def test_the_script_for_slurm_hands_each_task_its_share(tmp_path: Path) -> None:
    told = tmp_path / "chromseg-ops"
    told.write_text('#!/bin/bash\necho "$OMP_NUM_THREADS" "$@"\n')
    told.chmod(0o755)
    slurm = {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "64", "SLURM_CPUS_PER_TASK": "4"}
    environment = os.environ | slurm | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    call = ["bash", DEPLOY / "cohort.sbatch", "my pictures", "out", "model"]
    said = subprocess.run(call, env=environment, capture_output=True, text=True, check=True).stdout
    assert said == "4 predict my pictures --out out --model model --shard 3/64\n"
