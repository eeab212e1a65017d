"""Networks: made from the configuration, kept as safetensors whose metadata says how to make them again, and asked."""

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra.utils import get_object
from safetensors import safe_open
from safetensors.torch import save as to_bytes
from torch import nn

from ..data.packed import Arrays, Packed
from ..messages.problems import Refusal
from ..settings import make
from .encoding import Encoding, digest

Prepare = Callable[[torch.Tensor], torch.Tensor]


def make_network(node: dict[str, Any], shape: tuple[int, ...], classes: int) -> nn.Module:
    """Return a fresh network for inputs of `shape`; it is told `shape` and `classes` where its signature names them."""
    try:
        takes = set(inspect.signature(get_object(node["_target_"])).parameters)
    except (ImportError, ValueError, TypeError):  # make() says what is wrong, or it is a builtin without a signature
        takes = set()
    known = {"shape": shape, "classes": classes}
    return make(node, "model: network", **{name: value for name, value in known.items() if name in takes})


def check_network(network: nn.Module, example: torch.Tensor, classes: int) -> None:
    """Ask a fresh network about one prepared example (1, ...), which also gives lazy layers their shapes.

    Raises:
        Refusal: where it does not answer with a number for each class.
    """
    network.eval()
    try:
        with torch.no_grad():
            given = tuple(network(example).shape)
    except RuntimeError as error:
        raise Refusal(f"conf/model: network: it does not take inputs of {tuple(example.shape)}: {error}") from None
    network.train()
    if given != (1, classes):
        raise Refusal(f"conf/model: network: it gives {given} for one input, and the data has {classes} classes.")


def save(network: nn.Module, about: Mapping[str, Any], path: Path) -> None:
    """Write a network; `about` needs `network` (its Hydra node), `shape` and `classes`, and is what `load` returns."""
    # One key: safetensors writes several in an order that changes from run to run.
    path.write_bytes(to_bytes(network.state_dict(), {"about": json.dumps(about, sort_keys=True)}))


def load(path: Path) -> tuple[nn.Module, dict[str, Any]]:
    """Return a network in evaluation mode and what was saved about it."""
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["about"])
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 the handle is no dict
    network = make_network(about["network"], tuple(about["shape"]), len(about["classes"]))
    network.load_state_dict(state)
    return network.eval(), about


def probabilities(network: nn.Module, arrays: Arrays, rows: np.ndarray, prepare: Prepare, batch: int) -> np.ndarray:
    """Return the class probabilities of the arrays at `rows` (rows, classes; float32), `batch` at a time."""
    parts = []
    network.eval()
    with torch.inference_mode():
        for start in range(0, len(rows), batch):
            inputs = prepare(torch.from_numpy(arrays[rows[start : start + batch]]))
            parts.append(network(inputs).softmax(dim=1).float().numpy())
    return np.concatenate(parts)


@dataclass(frozen=True)
class TrainedNetwork:
    """A network that learnt, with the encoding of its inputs; see `models.Trained`."""

    network: nn.Module
    encoding: Encoding
    about: Mapping[str, Any]

    @property
    def encoders(self) -> str | None:
        """Digest of what the encoding was fitted to."""
        return digest(self.encoding.fitted)

    def probabilities(self, packed: Packed, rows: np.ndarray, batch: int) -> np.ndarray:
        """Return the class probabilities of the packed inputs at `rows` (rows, classes; float32), `batch` at a time."""
        arrays, places = self.encoding.encode(packed, rows)
        torch.set_num_threads(self.about["threads"])
        return probabilities(self.network, arrays, places, self.encoding.prepare, batch)

    def save(self, folder: Path, about: Mapping[str, Any]) -> Path:
        """Write seed-N.safetensors."""
        path = folder / f"seed-{about['seed']}.safetensors"
        save(self.network, {**self.about, **about, "fitted": self.encoding.fitted}, path)
        return path


def load_network(path: Path, inputs: Any, node: Mapping[str, Any]) -> TrainedNetwork:
    """Return a network as `TrainedNetwork.save` wrote it.

    Args:
        inputs: the team's.
        node: `network` of conf/model.

    Raises:
        Refusal: where the file names another network: making that could run whatever somebody put there.
    """
    with safe_open(path, "pt") as file:
        if json.loads(file.metadata()["about"])["network"] != json.loads(json.dumps(node)):
            raise Refusal(
                f"{path.as_posix()} holds another network than conf/model names; run `dvc repro --force train`."
            )
    network, about = load(path)
    return TrainedNetwork(network, Encoding(inputs, about.get("fitted")), about)
