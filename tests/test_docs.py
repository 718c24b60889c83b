"""What README and docs tell a user to type exists, and the pictures they show are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chromseg.cli.app import VERBS, load_verb

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


def shell_lines(page: Path) -> list[str]:
    blocks = re.findall(r"```(?:sh|bash)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [line.split("#")[0].strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]


@each_page
def test_commands_and_their_options_exist(page: Path) -> None:
    for line in shell_lines(page):
        for call in re.findall(r"chromseg-ops ([^&|>]*)", line):
            words = call.split()
            assert words[0] in VERBS, f"{page.name}: {line}"
            command = load_verb(words[0])
            if hasattr(command, "commands"):
                assert words[1] in command.commands, f"{page.name}: {line}"
                command = command.commands[words[1]]
            known = {name for parameter in command.params for name in parameter.opts}
            used = {word.split("=")[0] for word in words if word.startswith("--")}
            assert used <= known, f"{page.name}: {line}: {used - known}"


@each_page
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in shell_lines(page):
        for target in re.findall(r"\bmake ([a-z]+)", line):
            assert target in targets, f"{page.name}: {line}"


@each_page
def test_links_and_pictures_are_there(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_readme_first_screen_names_the_two_commands() -> None:
    top = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:30])
    assert "make demo" in top and "make test" in top
