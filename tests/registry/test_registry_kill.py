"""A process that dies while it registers or promotes leaves a store that verifies and the same command ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest
from put_back import put_back

from chromseg.errors import RegistryError
from chromseg.registry.promotion import history, promote
from chromseg.registry.store.backend import MlflowClient
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.listing import list_versions, show
from chromseg.registry.versions.register import register
from chromseg.registry.versions.resolve import resolve
from chromseg.registry.versions.verify import verify

# all that changes the store
STEPS = [
    "create_run", "log_batch", "log_inputs", "set_terminated", "create_logged_model", "log_model_artifacts",
    "finalize_logged_model", "create_registered_model", "create_model_version", "set_registered_model_tag",
    "set_registered_model_alias",
]  # fmt: skip


def _die_at(step: int) -> None:
    """Let the process die in front of its `step`-th change of the store, which is behind the one before."""
    left = iter(range(step))

    def fragile(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        return call

    for name in STEPS:
        setattr(MlflowClient, name, fragile(getattr(MlflowClient, name)))


def _register_and_die(project: Path, folder: Path, step: int) -> None:
    _enter(project)
    _die_at(step)
    register(folder, "chromseg")


def _promote_and_die(project: Path, reference: str, step: int) -> None:
    _enter(project)
    _die_at(step)
    promote(reference, reason="newer")


def _enter(project: Path) -> None:
    os.chdir(project)
    os.environ["CHROMSEG_ACTOR"] = "Ada Tester"
    os.environ["CHROMSEG_STATE_DIR"] = str(project.parent / "state")


def _killed(context: ForkServerContext, target: Callable[..., None], *args: object) -> bool:
    """Whether the process was killed, rather than finished."""
    process = context.Process(target=target, args=args)
    process.start()
    process.join(timeout=120)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


@pytest.mark.slow
def test_sigkill_at_every_step_of_register(
    store: Path, migrated_store: Path, make_model: Callable[..., Path], clean_process: ForkServerContext
) -> None:
    folder, step, killed = make_model(), 0, True
    while killed:
        put_back(migrated_store.parent, store / "mlruns")
        killed = _killed(clean_process, _register_and_die, store, folder, step)
        assert verify().problems == ()
        whole = list_versions()
        again, new = register(folder, "chromseg")
        left = again.number - 1  # a version that the killed process made and the log does not know
        assert (left in (0, 1), new, list_versions()) == (True, not whole, [again])
        assert resolve(f"models:/{again.label}").is_dir()
        assert [entry.action for entry in history("chromseg")] == ["register"]
        assert verify().problems == () and len(verify().notes) == left
        step += 1
    assert step > len(STEPS) and whole == [again]


def test_sigkill_at_every_step_of_promote(
    store: Path, make_model: Callable[..., Path], clean_process: ForkServerContext
) -> None:
    for seed in range(3):
        register(make_model(seed=seed), "chromseg")
    promote("chromseg/3", reason="the first")
    step, champion = 0, 3
    while True:
        wanted = 1 if champion == 2 else 2
        killed = _killed(clean_process, _promote_and_die, store, f"chromseg/{wanted}", step)
        shown = open_store().get_registered_model("chromseg").aliases["champion"]
        decided = show("chromseg@champion").number  # reads, and so repairs
        assert decided in (champion, wanted) and shown in (champion, wanted)
        assert decided == [entry.version for entry in history("chromseg") if entry.alias][-1]
        assert open_store().get_registered_model("chromseg").aliases["champion"] == decided
        assert verify().problems == ()
        if not killed:
            break
        step, champion = step + 1, decided
    assert step >= 3 and decided == wanted


def _promote_together(project: Path, number: int, barrier: Any, name: str = "chromseg") -> None:
    from chromseg.registry.log import audit

    os.chdir(project)
    real, met = audit._written, iter([True])

    def written(*args: Any) -> bool:
        if next(met, False):
            barrier.wait(timeout=60)
        return real(*args)

    audit._written = written
    try:
        promote(f"{name}/{number}", reason=f"I am number {number}")
        outcome = "won"
    except RegistryError as error:
        outcome = str(error)
    (project / f"{number}.outcome").write_text(outcome)


def _promote_together_here(project: Path, number: int, barrier: Any) -> None:
    _enter(project)
    _promote_together(project, number, barrier)


def test_of_promoters_at_the_same_moment_one_wins_and_the_others_are_told(
    store: Path, make_model: Callable[..., Path], clean_process: ForkServerContext
) -> None:
    numbers = range(1, 5)
    for seed in numbers:
        register(make_model(seed=seed), "chromseg")
    barrier = clean_process.Barrier(len(numbers))
    processes = [clean_process.Process(target=_promote_together_here, args=(store, n, barrier)) for n in numbers]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    outcomes = {number: (store / f"{number}.outcome").read_text() for number in numbers}
    [winner] = [number for number, outcome in outcomes.items() if outcome == "won"]
    told = f"Ada Tester .* made version {winner} the champion of chromseg at .*, while this was decided"
    for number in set(numbers) - {winner}:
        with pytest.raises(RegistryError, match=told):
            raise RegistryError(outcomes[number], expected="", remedy="")
    assert show("chromseg@champion").number == winner
    assert [entry.version for entry in history("chromseg") if entry.alias] == [winner]
    assert verify().problems == ()


def _register_together(project: Path, folder: Path, number: int, barrier: Any) -> None:
    """Neither makes its version before the other has looked for one with these files."""
    from chromseg.registry.versions import register as versions

    _enter(project)
    real = versions.upload

    def enter(*args: Any) -> Any:
        barrier.wait(timeout=60)
        return real(*args)

    versions.upload = enter
    version, new = register(folder, "chromseg")
    (project / f"{number}.outcome").write_text(f"{version.label} {new}")


def test_of_processes_that_register_the_same_files_at_once_one_makes_the_version(
    store: Path, make_model: Callable[..., Path], clean_process: ForkServerContext
) -> None:
    folder, numbers = make_model(), range(2)
    barrier = clean_process.Barrier(len(numbers))
    processes = [clean_process.Process(target=_register_together, args=(store, folder, n, barrier)) for n in numbers]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    [only] = list_versions()
    outcomes = sorted((store / f"{number}.outcome").read_text() for number in numbers)
    assert outcomes == [f"{only.label} False", f"{only.label} True"]
    assert [entry.version for entry in history("chromseg")] == [only.number]
    assert verify().problems == () and len([note for note in verify().notes if "holds the files of" in note]) == 1
