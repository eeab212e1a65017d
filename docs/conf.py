"""Sphinx: the pages of this folder as a site. `make docs` builds it into build/site; it asks nothing of the network."""

import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "{{cookiecutter.project_slug}}" / "src")]

import reference  # noqa: E402  (beside this file)

reference.write(HERE)

project = "Data iterations on a frozen model"
version = release = reference.VERSION
project_copyright = ""
extensions = ["myst_nb"]
exclude_patterns = ["*.py"]
myst_heading_anchors = 4  # links such as plan.md#when-to-distrust-it, as on a Git host
nb_execution_mode = "off"  # make_docs.py runs the notebook, in a project
nitpicky = True
suppress_warnings = ["myst.header"]  # the sample comment starts where a comment does

html_theme = "furo"
html_title = project
html_show_copyright = html_show_sphinx = html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]


def _opened(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Let the browser show a report that a page links to, instead of saving it."""
    if "body" in context:
        context["body"] = re.sub(r'(<a class="reference download internal") download=""', r"\1", context["body"])


def setup(app: Any) -> None:
    """Connect what this file adds to Sphinx."""
    app.connect("html-page-context", _opened)
