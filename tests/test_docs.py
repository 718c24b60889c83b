"""What README and docs tell a user to type exists, and the pictures they show are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chromseg.cli.app import VERBS, load_verb
from chromseg.cli.reference import PAGE, reference

ROOT = Path(__file__).parents[1]
WRITTEN = [ROOT / "README.md", *sorted(ROOT.glob("C*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in WRITTEN if page.name not in (PAGE.name, "CHANGELOG.md")]
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())


def shell_lines(page: Path) -> list[str]:
    """What a reader is to type: shell fences whole, and in any other fence the lines after `$`."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    blocks = re.findall(r"```(\w*)\n(.*?)```", text, re.DOTALL)
    lines = [(kind in ("sh", "bash"), line.strip()) for kind, block in blocks for line in block.splitlines()]
    typed = [line.removeprefix("$ ") for shell, line in lines if shell or line.startswith("$ ")]
    return [line.split("#")[0].strip() for line in typed]


def verbs() -> list[str]:
    """Every verb, those of groups with their group."""
    commands = {name: load_verb(name) for name in VERBS}
    groups = {name: getattr(command, "commands", None) for name, command in commands.items()}
    return [f"{name} {verb}" for name, group in groups.items() for verb in group or ()] + [
        name for name, group in groups.items() if group is None
    ]


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_stands_in_a_page_that_a_person_wrote(verb: str) -> None:
    assert any(re.search(rf"{verb}\b", page.read_text(encoding="utf-8")) for page in PAGES)


def test_the_reference_of_the_commands_is_current() -> None:
    assert (ROOT / PAGE).read_text(encoding="utf-8") == reference(), "run `make docs`"


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


def test_every_page_is_reached_from_the_index() -> None:
    reached, todo = set(), [ROOT / "docs" / "index.md"]
    while todo:
        page = todo.pop().resolve()
        if page in reached:
            continue
        reached.add(page)
        links = re.findall(r"\]\(([^)#:]+\.md)\)", page.read_text(encoding="utf-8"))
        todo += [page.parent / link for link in links]
    assert set((ROOT / "docs").rglob("*.md")) - reached == set()


def test_the_files_that_the_architecture_names_are_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.(?:py|yaml))`", text)
    assert len(named) > 30
    missing = [name for name in named if not any((ROOT / top / name).is_file() for top in ("", "chromseg"))]
    assert missing == []
