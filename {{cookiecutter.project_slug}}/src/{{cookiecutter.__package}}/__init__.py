"""Data iterations on a frozen model, and their honest comparison."""

from pathlib import Path

# Run the code of the checkout that the command runs in: `dvc exp run --temp` and `--queue` work in a copy of the
# repository, where an editable install would still import the workspace's code.
_checkout = Path.cwd() / "src" / __name__
if _checkout.is_dir():
    __path__ = [str(_checkout)]
