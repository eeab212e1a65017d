"""Data iterations on a frozen model, and their honest comparison: the machinery, the same in every project.

It meets the team's own code only through `_target_` in conf/, and imports none of it.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .notebook import Loaded

__version__ = "0.4.0"

# Run the code of the checkout that the command runs in: `dvc exp run --temp` and `--queue` work in a copy of the
# repository, and so does a Git worktree, where an editable install would still import the code it was installed from.
# The same holds for the team's package, which another project in this environment may have a namesake of.
INSTALLED = Path(__file__).resolve().parent
_source = Path.cwd() / "src"
if (_source / __name__).is_dir():
    __path__ = [str(_source / __name__)]
    if str(_source) not in sys.path:
        sys.path.insert(0, str(_source))


def load(name: str = "workspace", project: str | Path = ".") -> "Loaded":
    """Return a data revision as pandas tables: `load("main").examples`, `.predictions`, `.compare("relabel-1")`.

    Args:
        name: a Git revision, tag or branch, the name of an experiment, or `workspace`.
        project: a folder of the project.

    Raises:
        datapass.messages.problems.Refusal: where there is no such project or revision.
    """
    from .notebook import load

    return load(name, project)
