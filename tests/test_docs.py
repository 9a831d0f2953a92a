"""What the documents promise is there: commands, make targets, links, and a reason for every dependency."""

import re
import tomllib
from pathlib import Path

import pytest
import typer

from sidecar.cli.application import application

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "sidecar" / "ARCHITECTURE.md",
    ROOT / "app" / "ARCHITECTURE.md",
]


def shell_lines() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines()]


def commands_of(text: list[str], program: str) -> set[str]:
    return {found[1] for line in text if (found := re.match(rf"{re.escape(program)} ([a-z-]+)", line))}


def test_every_command_that_the_readme_names_exists() -> None:
    named = commands_of(shell_lines(), ".venv/bin/inglenook")
    existing = set(typer.main.get_command(application()).commands)  # type: ignore[attr-defined]
    assert named
    assert named <= existing


def test_every_make_target_that_the_readme_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = commands_of(shell_lines(), "make")
    assert {"run", "test"} <= named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_the_readme_s_python_compiles() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        compile(block, "README.md", "exec")


def test_every_dependency_has_its_reason_and_its_exact_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    pinned = (ROOT / "packaging" / "constraints.txt").read_text("utf-8").lower().replace("_", "-")
    for requirement in project["project"]["dependencies"]:
        name = re.match(r"[A-Za-z0-9_.-]+", requirement)
        assert name is not None
        assert re.search(rf'"{re.escape(requirement)}",\s+# \S', text), f"{requirement} has no reason beside it"
        assert f"\n{name[0].lower().replace('_', '-')}==" in pinned, f"{requirement} is not pinned"
