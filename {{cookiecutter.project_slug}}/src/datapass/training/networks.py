"""A LightningModule trained once a seed on the same examples; see `models.Trainer`."""

from typing import Any

import pandas as pd
import torch

from ..data.examples import counts, packed_rows
from ..data.packed import Packed
from ..messages.progress import Progress
from ..settings import Network, Settings
from .batches import Examples
from .encoding import Encoding
from .environment import environment
from .fit import device, loggers, silence, train_seed
from .storage import TrainedNetwork


class NetworkTrainer:
    """Trains the network of conf/model; arguments as of `models.trainer`."""

    def __init__(
        self,
        settings: Settings,
        packed: Packed,
        inputs: Any,
        classes: list[str],
        train: pd.DataFrame,
        validation: pd.DataFrame,
    ) -> None:
        assert isinstance(settings.model, Network)
        silence()
        self.settings, self.model, self.classes = settings, settings.model, len(classes)
        torch.set_num_threads(self.model.threads)
        self.device = device(settings)
        self.encoding = Encoding.fit(inputs, packed, packed_rows(train[counts(train)]))
        self.examples, self.held_out = (Examples.of(t, packed, classes, self.encoding) for t in (train, validation))

    def train(self, seed: int, progress: Progress, log: bool = False) -> tuple[TrainedNetwork, pd.DataFrame]:
        """Return the network of a seed and its learning curves, a row a point."""
        logger = loggers(self.settings.trainer) if log else False
        network, curves = train_seed(self.settings, self.classes, self.examples, self.held_out, seed, progress, logger)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()  # other trainings may share the device
        shape = list(self.examples.take(torch.tensor([0]))[0].shape[1:])
        about = {"network": self.model.network, "shape": shape, "threads": self.model.threads}
        return TrainedNetwork(network, self.encoding, about), curves

    def environment(self) -> str:
        """Return versions, system and device, see `environment.environment`."""
        nodes = self.model.model_dump()
        if hasattr(self.encoding.inputs, "transform"):  # what only `pack` runs shows in the packed inputs
            nodes["inputs"] = self.settings.data.inputs
        return environment(self.device, nodes)
