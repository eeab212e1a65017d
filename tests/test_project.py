"""A rendered project's own linters, type check and tests, as its developers run them."""

import pytest

from conftest import Project

COMMANDS = {
    "ruff check": ["ruff", "check", "--no-cache", "."],
    "ruff format": ["ruff", "format", "--no-cache", "--check", "."],
    "mypy": ["mypy"],
    "pytest": ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_command(rendered: Project, command: list[str]) -> None:
    done = rendered.run(*command, ok=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
