"""Revisions as pandas tables, for a notebook or a script: `import datapass; datapass.load("main").examples`."""

from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from .comparison.compared import compare_all
from .comparison.revisions import Revision, resolve
from .comparison.verdict import Comparison, Part
from .data.examples import counts
from .files.paths import METRICS, PREDICTIONS, SPLITS, TABLES
from .messages.problems import Refusal
from .report.comparison_view import comparisons
from .report.errors import of_candidates
from .report.markdown import markdown
from .review.features import excerpts


@dataclass(frozen=True)
class Compared:
    """A candidate compared with a baseline; in a notebook it shows the report.

    Attributes:
        comparison: everything, as `datapass compare --to FILE.json` writes it.
        project: the project's folder.
    """

    comparison: Comparison
    project: Path

    @property
    def verdict(self) -> str:
        """One of the five verdicts, such as `helps`."""
        return self.comparison.verdict

    @property
    def gain(self) -> pd.Series:
        """The gain in the metric, of accuracy as a fraction: mean, low and high of the 95 % interval, and p; NaN where there is none."""
        found = self.comparison.gain
        names = ("mean", "low", "high", "p")
        return pd.Series({name: getattr(found, name, float("nan")) for name in names}, name="gain", dtype="float64")

    @cached_property
    def classes(self) -> pd.DataFrame:
        """The gain by class: examples, before, after, gain, low, high, p (Holm's, over all classes) and verdict, indexed by class."""
        return _parts(self.comparison.classes, "class")

    @cached_property
    def slices(self) -> pd.DataFrame:
        """The same by slice, `column = value`."""
        return _parts(self.comparison.slices, "slice")

    @property
    def turned(self) -> pd.DataFrame:
        """Test examples whose answer turned: id, flip (fixed or broken), label, old, new, seeds."""
        columns = ["id", "flip", "label", "old", "new", "seeds"]
        return pd.DataFrame(columns=columns) if self.comparison.flips is None else self.comparison.flips

    @property
    def changes(self) -> pd.DataFrame:
        """What changed in the data, by row: id, kind, split, column, old, new, passes."""
        return self.comparison.data.rows

    def _repr_markdown_(self) -> str:
        with chdir(self.project):
            found = [self.comparison]
            lines = {c.candidate.name: excerpts(c.candidate, c.flips) for c in found}
            return markdown(comparisons(found, of_candidates(found), lines))


@dataclass(frozen=True)
class Loaded:
    """A data revision.

    Attributes:
        name: as it was asked for.
        project: the project's folder.
        revision: of Git, DVC or the workspace.
    """

    name: str
    project: Path
    revision: Revision

    @cached_property
    def examples(self) -> pd.DataFrame:
        """The examples of all sets, indexed by id: set, label, given_label, weight (int), passes and the other columns (str)."""
        with self._here():
            tables = [self.revision.table(path).assign(set=name) for name, path in zip(SPLITS, TABLES, strict=True)]
        found = pd.concat(tables, ignore_index=True).set_index("id")
        first = ["set", "label", "given_label", "weight", "passes"]
        return found[[*first, *found.columns.difference(first, sort=False)]].astype({"weight": int, "row": int})

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """The answers to the test set, indexed by id: label, predicted, one column a seed, right (share of the seeds) and counts (bool)."""
        with self._here():
            found = self.revision.table(PREDICTIONS).set_index("id")
            test = self.revision.table(TABLES[-1]).set_index("id")
        seeds = [name for name in found if name.startswith("seed_")]
        found["right"] = found[seeds].eq(found["label"], axis=0).mean(axis=1)
        return found.assign(counts=counts(test).reindex(found.index).fillna(False).astype(bool))

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """What metrics.json holds."""
        with self._here():
            return dict(self.revision.json(METRICS))

    def compare(self, candidate: "str | Loaded") -> Compared:
        """Compare a candidate with this revision, the baseline.

        Args:
            candidate: a Git revision, the name of an experiment, or `workspace`.

        Raises:
            Refusal: where it is not known, or has no results.
        """
        with self._here():
            other = candidate.revision if isinstance(candidate, Loaded) else _one(candidate, self.revision.commit)
            return Compared(compare_all(self.revision, [other])[0], self.project)

    @contextmanager
    def _here(self) -> Iterator[None]:
        with chdir(self.project):
            yield


def load(name: str = "workspace", project: str | Path = ".") -> Loaded:
    """Return a data revision.

    Args:
        name: a Git revision, tag or branch, the name of an experiment, or `workspace`.
        project: a folder of the project; the one it is in is found.

    Raises:
        Refusal: where the folder is in no project, or the revision is not known.
    """
    start = Path(project).resolve()
    root = next((folder for folder in (start, *start.parents) if (folder / "dvc.yaml").is_file()), None)
    if root is None:
        raise Refusal(f"There is no dvc.yaml in {start} or above it; name the project: load({name!r}, project=FOLDER).")
    with chdir(root):
        return Loaded(name, root, _one(name, None))


def _one(name: str, on: str | None) -> Revision:
    return resolve([name], on)[0]


def _parts(parts: Sequence[Part], kind: str) -> pd.DataFrame:
    columns = ["examples", "before", "after", "gain", "low", "high", "p", "verdict"]
    rows = [(p.examples, p.old, p.new, p.gain.mean, p.gain.low, p.gain.high, p.p, p.verdict) for p in parts]
    return pd.DataFrame(rows, columns=columns, index=pd.Index([part.name for part in parts], name=kind))
