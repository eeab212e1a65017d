"""Where things are in a project: each path that more than one module names, relative to the project's folder."""

from pathlib import Path, PurePosixPath

from ..messages.problems import quoted

SPLITS = ("train", "validation", "test")

# What people deliver and edit.
RAW = Path("data/raw")
PASSES = Path("data/passes")
BOOK = Path("data/label_book.md")
SCOPE = Path("data/scope.md")
INCOMING = Path("data/incoming")  # new inputs without labels, a folder a delivery
PICKED = Path("data/picked")  # which of them were picked for labelling, and their labels
ANNOTATIONS = Path("data/annotations.csv")  # collected since the delivery, whose own are in data/raw/

PIPELINE = Path("dvc.yaml")

# What the stages write.
PARAMS = Path("params.yaml")
INPUTS = Path("data/inputs")
ARRAYS, VALUES, INDEX = INPUTS / "arrays.npy", INPUTS / "values.parquet", INPUTS / "index.parquet"
SHARDS = INPUTS / "shards.parquet"
EXAMPLES = Path("data/examples")
# Where dvc.yaml says so they are .parquet, see `data/examples.stored`.
TRAIN, VALIDATION, TEST = TABLES = [EXAMPLES / f"{split}.csv" for split in SPLITS]
CLASSES = EXAMPLES / "classes.csv"
DATA = Path("reports/data.json")
MODELS = Path("models")
CURVES = Path("reports/learning_curves.csv")
METRICS = Path("metrics.json")
PREDICTIONS = Path("reports/predictions.csv")
SUSPECTS, AUDIT = Path("reports/suspects.csv"), Path("reports/audit.json")


def unsafe(path: str) -> str | None:
    """Return why a path of labels.csv is refused, or None."""
    parts = PurePosixPath(path)
    if not path:
        return "the path is empty; name the image file, relative to data/raw/"
    if "\\" in path:
        return f"the path {quoted(path)} has a backslash; write '/' between folders"
    if parts.is_absolute() or ".." in parts.parts or ":" in parts.parts[0]:
        return f"the path {quoted(path)} leaves data/raw/; name a file inside it"
    return None
