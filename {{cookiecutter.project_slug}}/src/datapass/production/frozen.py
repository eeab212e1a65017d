"""The trained models, asked about inputs that are in no set."""

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..adopt.pictures import digest
from ..comparison.revisions import resolve
from ..comparison.stale import stale
from ..data.examples import class_codes
from ..data.next_pass import current_state
from ..data.packed import Packed
from ..data.raw import labels_in
from ..files.paths import CLASSES, MODELS, RAW
from ..files.tables import read_table
from ..messages.problems import Refusal, quoted
from ..settings import Settings, make
from ..training.models import Trained, load_models, model_files, votes


@dataclass(frozen=True)
class Frozen:
    """The models of all seeds.

    Attributes:
        models: one a seed.
        classes: names, in code order.
        fingerprint: of the frozen model.
        weights: 12 hex digits that tell these trained models from those of any other data or machine.
        batch: inputs at a time.
    """

    models: list[Trained]
    classes: list[str]
    fingerprint: str
    weights: str
    batch: int

    def probabilities(self, packed: Packed, rows: np.ndarray) -> np.ndarray:
        """Return the class probabilities of the packed inputs at `rows` (seeds, rows, classes)."""
        return np.stack([model.probabilities(packed, rows, self.batch) for model in self.models])

    def answers(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the class that most seeds answer (seeds, rows, classes -> rows; codes), as in reports/predictions.csv."""
        return votes(probabilities.argmax(axis=2), len(self.classes))

    def codes(self, table: pd.DataFrame) -> np.ndarray:
        """Return the class codes of examples (n). Raises Refusal where one has a class that the models do not know."""
        unknown = sorted(set(table["label"]) - set(self.classes))
        if unknown:
            raise Refusal(
                f"{MODELS.as_posix()}/ does not know the class {quoted(unknown[0])}; `dvc repro train` first."
            )
        return class_codes(table, self.classes)


def load_frozen(settings: Settings) -> Frozen:
    """Return the trained models of the workspace.

    Raises:
        Refusal: where there is none, or they are not of this configuration and code.
    """
    files = model_files(MODELS, settings)
    refuse_other_models()
    models = load_models(MODELS, settings, make(settings.data.inputs, "data: inputs"))
    about = models[0].about
    weights = hashlib.sha256("".join(map(digest, files)).encode()).hexdigest()[:12]
    return Frozen(models, list(about["classes"]), str(about["fingerprint"]), weights, settings.evaluate.batch_size)


def refuse_other_classes(frozen: Frozen) -> None:
    """Refuse to compare answers of models that know other classes than there are after the passes.

    Where data/raw/ is not here, as in a scheduled job, the classes are those of the last `curate`.
    """
    if set(current_state().known() if labels_in(RAW) else read_table(CLASSES)["class"]) != set(frozen.classes):
        raise Refusal(f"The classes are others than {MODELS.as_posix()}/ knows; `dvc repro` trains with those of now.")


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
