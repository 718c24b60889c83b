"""The registry on an MLflow server with PostgreSQL and S3: the same as on the local store.

They need PostgreSQL (`.ci/setup` installs it) and fail without it.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from servers import S3_KEYS, listener, mlflow_server, postgresql, s3_endpoint

from chromseg.errors import RegistryError
from chromseg.registry.log.audit import LOG, forget
from chromseg.registry.log.beginning import init_store
from chromseg.registry.promotion import history, promote, rollback
from chromseg.registry.store.backend import MlflowClient
from chromseg.registry.store.store import open_store
from chromseg.registry.transfer.arrival import import_version
from chromseg.registry.transfer.export import export_version
from chromseg.registry.versions.listing import list_versions, show
from chromseg.registry.versions.register import register
from chromseg.registry.versions.resolve import resolve, resolve_model
from chromseg.registry.versions.verify import verify

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def settings() -> Iterator[dict[str, str]]:
    """Environment of a client of the three servers."""
    with postgresql() as database, s3_endpoint() as s3, mlflow_server(database, s3) as address:
        yield S3_KEYS | {"MLFLOW_TRACKING_URI": address, "MLFLOW_S3_ENDPOINT_URL": s3}


@pytest.fixture
def server(project: Path, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that works on the server. Each test uses model names of its own: the server is shared."""
    for key, value in settings.items():
        monkeypatch.setenv(key, value)
    forget()
    assert init_store().action == "reached"
    return project


def test_the_life_of_a_model(server: Path, make_model: Callable[..., Path], tmp_path: Path) -> None:
    for seed in range(2):
        version, new = register(make_model(seed=seed, metrics={"test/overall_acc": 0.5}), "life")
        assert (version.number, new) == (seed + 1, True) and version.source.startswith("s3://")
    for number in (1, 2):
        promote(f"life/{number}", reason="newer")
    assert resolve_model("models:/life@champion").version == 2
    assert resolve("models:/life@champion").is_relative_to(server / "mlruns" / "cache")
    assert rollback("life", reason="not better").version == 1
    open_store().set_registered_model_alias("life", "champion", "2")
    assert show("life@champion").number == 1
    assert _champion_in_mlflow("life") == 1
    actions = [entry.action for entry in history("life")]
    assert actions == ["register", "register", "promote", "promote", "rollback", "repair"]
    verdict = verify(files=True)
    assert verdict.problems == verdict.unseen == ()
    assert [note.partition(" put right")[2] for note in verdict.notes] == [f" what MLflow showed: {_MOVED}"]
    with (resolve("models:/life/2") / "model.json").open("a") as cached:
        cached.write(" ")
    assert len(verify(files=True).problems) == 1
    shutil.rmtree(server / "mlruns" / "cache")
    assert register(make_model("again", metrics={"test/overall_acc": 0.5}), "life")[1] is False
    export_version("life/2", tmp_path / "life.zip")
    assert import_version(tmp_path / "life.zip", name="imported")[0].metrics == {"test/overall_acc": 0.5}


_MOVED = "MLflow showed version 2 as the champion of life, which is version 1"


def _champion_in_mlflow(name: str) -> int:
    return int(open_store().get_registered_model(name).aliases["champion"])


def _together(project: Path, settings: dict[str, str], number: int, barrier: object) -> None:
    from test_registry_kill import _promote_together

    os.environ.update(settings)
    _promote_together(project, number, barrier, name="race")


def test_of_promoters_at_the_same_moment_one_wins(
    server: Path, settings: dict[str, str], make_model: Callable[..., Path], clean_process: ForkServerContext
) -> None:
    for seed in range(3):
        register(make_model(seed=seed), "race")
    barrier = clean_process.Barrier(3)
    processes = [clean_process.Process(target=_together, args=(server, settings, n, barrier)) for n in (1, 2, 3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=300)
    outcomes = {n: (server / f"{n}.outcome").read_text() for n in (1, 2, 3)}
    [winner] = [n for n, outcome in outcomes.items() if outcome == "won"]
    assert all("while this was decided" in outcomes[n] for n in {1, 2, 3} - {winner})
    assert show("race@champion").number == winner
    assert verify().problems == ()


def _promote_and_die(project: Path, settings: dict[str, str], step: str) -> None:
    os.chdir(project)
    os.environ.update(settings)
    real = getattr(MlflowClient, step)

    def last_breath(*args: object, **kwargs: object) -> None:
        real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(MlflowClient, step, last_breath)
    promote("killed/1", reason="the first")


@pytest.mark.parametrize("step", ["create_model_version", "set_registered_model_tag", "set_registered_model_alias"])
def test_sigkill_after_the_entry_leaves_what_was_decided(
    server: Path, settings: dict[str, str], make_model: Callable[..., Path], clean_process: ForkServerContext, step: str
) -> None:
    if "killed" not in {version.name for version in list_versions()}:
        register(make_model(), "killed")
    if show("killed/1").aliases:
        register(make_model(seed=1), "killed")
        promote("killed/2", reason="makes room")
    process = clean_process.Process(target=_promote_and_die, args=(server, settings, step))
    process.start()
    process.join(timeout=300)
    assert process.exitcode == -signal.SIGKILL
    assert show("killed@champion").number == 1
    assert _champion_in_mlflow("killed") == 1
    assert verify().problems == ()


def test_a_changed_log_is_found(server: Path, make_model: Callable[..., Path]) -> None:
    """The last test: it breaks the shared log and mends it again."""
    register(make_model(seed=5), "broken")
    client = open_store()
    before = client.get_model_version(LOG, "1").tags["entry"]
    client.set_model_version_tag(LOG, "1", "entry", before.replace("Ada", "Eve"))
    forget()
    with pytest.raises(RegistryError, match="the audit log cannot be trusted"):
        show("broken/1")
    client.set_model_version_tag(LOG, "1", "entry", before)
    forget()
    assert verify().problems == ()


def test_a_promotion_reaches_who_listens_for_it(server: Path, make_model: Callable[..., Path]) -> None:
    register(make_model(metrics={"test/overall_acc": 0.5}), "hooked")
    client, secret = open_store(), "between us"
    with listener() as (address, received):
        hook = client.create_webhook("ci", address, ["model_version_alias.created"], secret=secret)
        promote("hooked/1", reason="newer")
        headers, body = received.get(timeout=60)
        client.delete_webhook(hook.webhook_id)
    told = json.loads(body)
    assert told["entity"] == "model_version_alias" and told["action"] == "created"
    assert told["data"] == {"name": "hooked", "alias": "champion", "version": "1"}
    signed = ".".join((headers["X-MLflow-Delivery-Id"], headers["X-MLflow-Timestamp"], body.decode()))
    expected = base64.b64encode(hmac.digest(secret.encode(), signed.encode(), "sha256")).decode()
    assert headers["X-MLflow-Signature"] == f"v1,{expected}", "as docs/registry.md tells listeners to check it"
