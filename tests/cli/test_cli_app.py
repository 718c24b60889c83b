from __future__ import annotations

import importlib
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import chromseg
from chromseg.cli.app import VERBS, app, load_verb
from chromseg.errors import DataError

runner = CliRunner()
HEAVY = ("torch", "mlflow", "great_expectations", "numpy", "scipy", "skimage", "matplotlib", "dvc")


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from _commands(below, f"{path} {name}")


ALL = [pair for verb in VERBS for pair in _commands(load_verb(verb), verb)]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_of_the_table_exists(verb: str) -> None:
    module, _, attribute = VERBS[verb][0].partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))
    assert VERBS[verb][1].endswith(".")


@pytest.mark.parametrize(("path", "command"), ALL, ids=[path for path, _ in ALL])
def test_every_command_and_argument_has_help(path: str, command: Any) -> None:
    assert command.help and command.help.strip()
    silent = [parameter.name for parameter in command.params if not getattr(parameter, "help", None)]
    assert silent == []


@pytest.mark.parametrize(("path", "command"), ALL, ids=[path for path, _ in ALL])
def test_help_can_be_printed(path: str, command: Any) -> None:
    answer = runner.invoke(app, [*path.split(), "--help"])
    assert answer.exit_code == 0
    assert f"Usage: root {path}" in answer.output


def test_the_top_help_lists_the_verbs_without_importing_them() -> None:
    code = (
        "import sys; from chromseg.cli.app import app\n"
        "try: app(['--help'])\n"
        "except SystemExit as stop: assert stop.code == 0, stop.code\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
        "print(*[name for name in sys.modules if name.startswith('chromseg.cli.')], file=sys.stderr)\n"
    )
    before = _children_cpu_s()
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    spent = _children_cpu_s() - before
    assert all(f"\n  {verb} " in answer.stdout for verb in VERBS)
    heavy, ours = answer.stderr.splitlines()
    assert (heavy, ours) == ("", "chromseg.cli.app")
    assert spent < 0.3  # of processor time, which other programs on the machine do not lengthen


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_version() -> None:
    answer = runner.invoke(app, ["--version"])
    assert (answer.exit_code, answer.stdout) == (0, f"chromseg-ops {chromseg.__version__}\n")


@pytest.mark.parametrize("line", ["modles", "models shwo", "models show", "models list --nope", "--nope"])
def test_wrong_usage_is_exit_2_on_stderr(line: str) -> None:
    answer = runner.invoke(app, line.split())
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert "Usage:" in answer.stderr


def test_a_slip_is_answered_with_a_guess() -> None:
    assert "Did you mean 'models'?" in runner.invoke(app, ["modles"]).stderr


class Verb:
    """A module with one verb that ends as the test wants."""

    def __init__(self, ending: BaseException | None) -> None:
        self.ending = ending

    def verb(self) -> None:
        """Do something."""
        typer.echo("a result")
        if self.ending is not None:
            raise self.ending


def _call(monkeypatch: pytest.MonkeyPatch, ending: BaseException | None, *options: str) -> Any:
    monkeypatch.setitem(sys.modules, "a_verb", Verb(ending))  # type: ignore[arg-type]
    monkeypatch.setitem(VERBS, "act", ("a_verb:verb", "Do something."))
    return runner.invoke(app, [*options, "act"])


def test_done_is_exit_0(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = _call(monkeypatch, None)
    assert (answer.exit_code, answer.stdout, answer.stderr) == (0, "a result\n", "")


def test_a_refusal_is_exit_1_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    error = DataError("a picture\nof a cat", expected="chromosomes", remedy="take another")
    answer = _call(monkeypatch, error)
    assert answer.exit_code == 1
    assert answer.stdout == "a result\n"
    assert answer.stderr == "error: a picture of a cat; expected chromosomes; take another\n"


def test_a_failing_disk_is_exit_1_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = _call(monkeypatch, PermissionError(13, "Permission denied", "/data"))
    assert (answer.exit_code, answer.stderr) == (1, "error: [Errno 13] Permission denied: '/data'\n")


def test_our_own_mistakes_are_owned_up_to(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = _call(monkeypatch, KeyError("mask"))
    assert answer.exit_code == 1
    [line] = answer.stderr.splitlines()
    assert line.startswith("internal error: KeyError: 'mask'; please report it")


@pytest.mark.parametrize("error", [KeyError("mask"), DataError("a", expected="b", remedy="c")])
def test_the_traceback_is_shown_on_request(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    answer = _call(monkeypatch, error, "--traceback")
    assert answer.exit_code == 1
    assert "Traceback (most recent call last)" in answer.stderr
    assert "Traceback" not in _call(monkeypatch, error).stderr


def test_ctrl_c_is_exit_130_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = _call(monkeypatch, KeyboardInterrupt())
    assert (answer.exit_code, answer.stderr) == (130, "stopped; the same command can be run again\n")


def test_a_verb_may_choose_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _call(monkeypatch, typer.Exit(1)).exit_code == 1


def test_a_reader_that_goes_away_makes_no_noise(tmp_path: Path) -> None:
    code = (
        "import sys, types; from chromseg.cli import app\n"
        "def verb():\n"
        "    'Print much.'\n"
        "    for _ in range(100000): print('x' * 100)\n"
        "sys.modules['a_verb'] = types.SimpleNamespace(verb=verb)\n"
        "app.VERBS['act'] = ('a_verb:verb', 'Print much.')\n"
        "app.app(['act'])\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    answer = subprocess.run(
        f"'{sys.executable}' '{script}' | head -n 1", shell=True, capture_output=True, text=True, check=True
    )
    assert answer.stdout == "x" * 100 + "\n"
    assert answer.stderr == ""


def test_a_name_that_is_no_text_can_be_told() -> None:
    """As files may be called on Linux, whose names are bytes."""
    call = [sys.executable, "-c", "from chromseg.cli.app import main; main()", "partition", b"no-\xff-folder"]
    answer = subprocess.run([*call, "--out", "out"], capture_output=True, check=False)
    assert answer.returncode == 1 and answer.stderr.startswith(rb"error: no-\udcff-folder holds no chromosome_*.png")
