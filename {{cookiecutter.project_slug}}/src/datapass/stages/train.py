"""Train the frozen model once for each seed; seeds that were trained before are taken over."""

import platform
import time
from pathlib import Path
from typing import Any

import pandas as pd

from ..data.examples import read_examples
from ..data.packed import confirm, read_packed
from ..executors.run import answers
from ..files.paths import CLASSES, CURVES, MODELS, TRAIN, VALIDATION
from ..files.tables import read_table, write_table
from ..files.writes import written
from ..messages.problems import Refusal
from ..messages.progress import Progress
from ..settings import Network, Settings, digest_of, load, load_again, make
from ..training.environment import fingerprint
from ..training.models import Trainer, steps, trainer
from ..training.order import subset
from .folds import KeptFolds
from .folds import requests as trainings_of_the_audit
from .frame import model_code, run, stages
from .kept import Kept, Record

CHECKED = 40  # steps of the two trainings that must give the same, where there is a device that may not


class Trainings:
    """The training of a seed, of the workspace's data.

    Args:
        settings: of the training.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings, self.classes = settings, read_table(CLASSES)["class"].to_list()
        self.inputs = make(settings.data.inputs, "data: inputs")
        self.table, self.validation = (read_examples([path]) for path in (TRAIN, VALIDATION))
        self.packed = read_packed()
        self.trains: Trainer | None = None
        self.until: int | None = None

    def __call__(self, request: dict[str, Any], progress: Progress, folder: Path) -> dict[str, Any]:
        """Train the `seed` of a request, maybe `until` a step, and write the model into `folder`; return what is known of it."""
        seed, until, size, start = request["seed"], request.get("until"), self.settings.data.size, time.monotonic()
        part = subset(self.table, size, seed)
        if self.trains is None or size is not None or until != self.until:
            settings, self.until = stopped(self.settings, until), until
            self.trains = trainer(settings, self.packed, self.inputs, self.classes, part, self.validation)
        trained, curve = self.trains.train(seed, progress, log=until is None)
        frozen = {"model": self.settings.model.model_dump(), "inputs": self.settings.data.inputs}
        about: dict[str, Any] = {
            "classes": self.classes,
            "seed": seed,
            "environment": self.trains.environment(),
            "fingerprint": fingerprint(frozen, model_code()),
        }
        if size is not None:
            about["train_examples"] = len(part)
        file = trained.save(folder, about)
        what = {name: about[name] for name in ("fingerprint", "environment")} | {"host": platform.node()}
        return {
            "file": file.name,
            "seconds": round(time.monotonic() - start, 3),
            "curve": curve.to_dict("records"),
        } | what


def stopped(settings: Settings, until: int | None) -> Settings:
    """Return the settings of the same training that ends after a step; its schedule and the like still count on all."""
    if until is None:
        return settings
    return settings.model_copy(update={"model": settings.model.model_copy(update={"steps": until})})


def train(settings: Settings, seeds: list[int], kept: Kept, folder: Path) -> list[Record]:
    """Train some seeds, write their models to `folder` and keep each as it comes; return their records.

    Where a device may not give the same twice, it is asked to, and what it did is said.
    """
    if settings.data.size is not None:
        table = read_examples([TRAIN])
        for seed in seeds:
            subset(table, settings.data.size, seed)  # refuses before anything trains
    records, twice = dict[int, Record](), list[bytes]()
    requests = [{"seed": seed} for seed in seeds]
    if isinstance(settings.model, Network) and settings.trainer.accelerator != "cpu":
        requests += [{"seed": seeds[0], "until": min(CHECKED, steps(settings))}] * 2
    progress = Progress("train", sum(request.get("until", steps(settings)) for request in requests))
    folds = KeptFolds(kept)
    together = isinstance(settings.model, Network) and settings.model.devices > 1  # whose processes know each other
    beside = folds.missing(trainings_of_the_audit(settings)) if "audit" in stages() and not together else []
    for number, (about, content) in answers("train", requests, settings, progress, steps(settings), beside):
        if number >= len(requests):
            folds.put(beside[number - len(requests)], content)
            continue
        if number >= len(seeds):
            twice.append(content)
            continue
        (folder / about["file"]).write_bytes(content)
        records[number] = kept.put(seeds[number], content, about)
    if twice:
        print(repeatable(twice, records[0].environment.rpartition(", ")[2], requests[-1]["until"]))
    return [records[number] for number in range(len(seeds))]


def repeatable(models: list[bytes], device: str, steps: int) -> str:
    """Return whether a device gave the same model each time, as a sentence."""
    if len(set(models)) == 1:
        return f"on {device} a seed gives the same weights each time (checked: {steps} steps, twice)"
    return (
        f"note: on {device} a seed gives other weights each time (seen after {steps} steps). That is one more kind of luck, "
        "which the intervals count in; but the same revision trained again will not give the same bytes."
    )


def main() -> None:
    """Write models/seed-N.safetensors, or .skops of an estimator, and the learning curves, which are means over the seeds."""
    settings = load()
    seeds = settings.seeds
    if len(seeds) < 3:
        print(f"note: {len(seeds)} in seeds of conf/config.yaml; a verdict needs at least 3")
    kept = Kept(settings)
    kept.tidy()
    confirm(read_packed(), read_examples([TRAIN, VALIDATION]))
    with written(MODELS) as folder:
        folder.mkdir()
        records = {seed: record for seed in seeds if (record := kept.take(seed, folder))}
        if records:
            print(f"{len(records)} of {len(seeds)} seeds were trained before and are taken over")
        missing = [seed for seed in seeds if seed not in records]
        records |= zip(missing, train(settings, missing, kept, folder) if missing else [], strict=True)
        # What is kept is of this machine and code by its name; of a mixture all the same nothing is believed.
        if len({(one.fingerprint, one.environment) for one in records.values()}) > 1:
            records = dict(zip(seeds, train(settings, seeds, kept, folder), strict=True))
        refuse_mixture(records)
        load_again(digest_of(settings))  # DVC writes down what it finds when a stage ends
        kept.refuse_changes()  # before anything takes the place of what was
        curves = pd.concat(pd.DataFrame(records[seed].curve) for seed in seeds)
        write_table(curves.groupby("step", as_index=False).mean().round(6), CURVES)


def refuse_mixture(records: dict[int, Record]) -> None:
    """Refuse seeds that machines of several kinds trained: their differences would be taken for those of seeds."""
    kinds = dict[str, list[int]]()
    for seed, record in records.items():
        kinds.setdefault(record.environment, []).append(seed)
    if len(kinds) > 1:
        listed = "; ".join(f"{', '.join(map(str, found))} with {kind}" for kind, found in kinds.items())
        raise Refusal(f"The seeds were trained on machines of several kinds ({listed}); train all of them on one kind.")


if __name__ == "__main__":
    run("train", main)
