"""Answers of the trained models to new inputs: no labels needed, nothing learnt."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from ..comparison.revisions import resolve
from ..comparison.stale import stale
from ..files.paths import MODELS
from ..messages.problems import Problem, Refusal, refuse
from ..messages.progress import Progress
from ..settings import load, make
from ..training.storage import load as load_network
from ..training.storage import probabilities, votes


@dataclass(frozen=True)
class Answers:
    """What the models answered.

    Attributes:
        table: a row for each file, as given: file, predicted (the class that most seeds answer, as in
            reports/predictions.csv), probability (of that class, mean of the seeds) and agreement (share of the seeds that
            answer it).
        seeds: number of models.
        fingerprint: of the frozen model.
        note: what the first file is, and as what it is read.
    """

    table: pd.DataFrame
    seeds: int
    fingerprint: str
    note: str


def predict(paths: Sequence[Path]) -> Answers:
    """Ask each seed's model about files, those in folders included.

    Raises:
        Refusal: where there is no model, the models are not of this configuration and code, or for every file that is
            missing or none that the model's inputs can be made of.
    """
    files = sorted(MODELS.glob("seed-*.safetensors"), key=lambda path: int(path.stem.removeprefix("seed-")))
    if not files:
        raise Refusal(
            f"{MODELS.as_posix()}/ holds no model; `dvc repro` trains, `dvc pull` brings one that was trained."
        )
    refuse_other_models()
    settings = load()
    inputs = make(settings.data.inputs, "data: inputs")
    names = files_of(paths)
    arrays = read(names, inputs)
    found = []
    about: dict[str, Any] = {}
    for file in files:
        network, about = load_network(file)
        torch.set_num_threads(about["threads"])
        rows = np.arange(len(arrays))
        found.append(probabilities(network, arrays, rows, inputs.prepare, settings.evaluate.batch_size))
    stacked = np.stack(found)  # (seeds, files, classes)
    answered = stacked.argmax(axis=2)
    predicted = votes(answered, len(about["classes"]))
    table = pd.DataFrame(
        {
            "file": pd.Series([name.as_posix() for name in names], dtype="str"),
            "predicted": np.array(about["classes"], dtype=object)[predicted],
            "probability": stacked.mean(axis=0)[np.arange(len(names)), predicted].astype(float).round(6),
            "agreement": (answered == predicted).mean(axis=0).round(6),
        }
    )
    note = f"Each file is read as {inputs} (conf/data); the first is {inputs.describe(names[0])}."
    return Answers(table, len(files), str(about["fingerprint"]), note)


def refuse_other_models() -> None:
    """Refuse to ask models that were trained with other inputs, settings or code than there are now; data may differ."""
    mine = "stage train last ran with"
    other = [
        what for what in stale(resolve(["workspace"])[0])[0] if what.endswith(mine) and not what.startswith("data/")
    ]
    if other:
        raise Refusal(
            f"{'; '.join(other)}: `dvc repro train` first, or `dvc checkout` for the models of this revision."
        )


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Return the files that were named and those in the folders that were, sorted; hidden ones are left out."""
    found: list[Path] = []
    problems = []
    for path in paths:
        inside = sorted(
            file
            for file in (path.rglob("*") if path.is_dir() else [])
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
        )
        if path.is_dir() and not inside:
            problems.append(Problem(path.as_posix(), "holds no file"))
        found += inside if path.is_dir() else [path]
    refuse(problems)
    return list(dict.fromkeys(found))


def read(files: Sequence[Path], inputs: Any) -> np.ndarray:
    """Return the files as packed inputs (n, ...; uint8). Raises Refusal naming each that is none."""
    arrays = np.empty((len(files), *inputs.shape), dtype=np.uint8)

    def one(number: int) -> str | None:
        try:
            arrays[number] = inputs.read(files[number])
        except ValueError as error:
            return str(error)
        return None

    progress, problems = Progress("predict", len(files)), []
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoding releases the interpreter's lock
        for file, said in zip(files, pool.map(one, range(len(files))), strict=True):
            progress.advance()
            if said is not None:
                problems.append(Problem(file.as_posix(), said))
    refuse(problems)
    return arrays
