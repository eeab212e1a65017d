"""One version, said once, and a log of releases that says what each does to the frozen model."""

import re
from itertools import pairwise

import pytest
from packaging.version import Version
from setuptools.config.pyprojecttoml import read_configuration

from conftest import ROOT
from datapass import __version__

TEXT = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)
RELEASES = dict(zip(HEADINGS, re.split(r"^## .*$", TEXT, flags=re.MULTILINE)[1:], strict=True))
EFFECT = re.compile(r"\n\nFrozen model: (nothing|run the baseline again)[ .,]")
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}  # of Keep a Changelog


def test_the_newest_release_is_the_version() -> None:
    assert HEADINGS[0].startswith(f"[{__version__}] - ")
    versions = [Version(heading.split("]")[0][1:]) for heading in HEADINGS]
    assert all(newer > older for newer, older in pairwise(versions))


@pytest.mark.parametrize("heading", HEADINGS)
def test_a_release_says_when_what_and_what_it_does_to_the_frozen_model(heading: str) -> None:
    assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading)
    assert EFFECT.match(RELEASES[heading]), "one of two effects, before all else"
    kinds = re.findall(r"^### (.*)$", RELEASES[heading], re.MULTILINE)
    assert kinds and set(kinds) <= KINDS


def test_the_version_is_said_once() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert __version__ not in text
    assert read_configuration(ROOT / "pyproject.toml")["project"]["version"] == __version__
