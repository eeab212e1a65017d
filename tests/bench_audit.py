"""How good is the audit's queue? `python tests/bench_audit.py PROJECT`, a digits project after `dvc repro` with no pass.

Prints the share of wrong labels among the first of the queue, beside a queue of the same size drawn at random, and the
estimated beside the true number of wrong labels.
"""

import json
import sys
from pathlib import Path

import pandas as pd
from sklearn.datasets import load_digits

FIRST, DRAWS = 120, 1000


def main(project: Path) -> None:
    """Print both precisions."""
    truth = pd.Series(load_digits().target.astype(str), dtype="str")
    truth.index = [f"digit-{number:04}" for number in truth.index]
    tables = [pd.read_csv(project / f"data/examples/{split}.csv", dtype="str") for split in ("train", "validation")]
    table = pd.concat(tables).set_index("id")
    wrong = table["label"] != truth.loc[table.index]
    suspects = pd.read_csv(project / "reports/suspects.csv", dtype="str", keep_default_na=False)
    ranked = suspects[suspects["queue"] == "training"].head(FIRST)
    found = int(wrong.loc[ranked["id"]].sum())
    drawn = [int(wrong.sample(FIRST, random_state=draw).sum()) for draw in range(DRAWS)]
    mean, low, high = sum(drawn) / DRAWS, *pd.Series(drawn).quantile([0.025, 0.975])
    named = int((ranked["suggested"].to_numpy() == truth.loc[ranked["id"]].to_numpy())[wrong.loc[ranked["id"]]].sum())
    audit = json.loads((project / "reports/audit.json").read_text())
    print(
        f"audit's queue:  {found} of the first {FIRST} are wrong, precision {found / FIRST:.3f}; the suggestion is right for {named} of them"
    )
    print(
        f"random queue:   {mean:.1f} of {FIRST} on average ({low:.0f} to {high:.0f} in 95 % of draws), precision {mean / FIRST:.3f}"
    )
    print(f"wrong labels:   {audit['wrong_labels']} estimated, {int(wrong.sum())} in truth, of {len(table):,}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
