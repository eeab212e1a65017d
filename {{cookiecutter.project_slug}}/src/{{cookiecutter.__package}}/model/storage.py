"""Models as files: safetensors, whose metadata says how to build the network, with what it was trained, and where."""

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from safetensors import safe_open
from safetensors.torch import save as to_bytes


def environment(device: torch.device, model: Mapping[str, Any]) -> str:
    """Return what else decides the weights: versions, processor kind and device, as one readable line.

    Besides torch and its trainer these are the libraries that the model's `_target_`s name.
    """
    where = "cpu" if device.type == "cpu" else torch.cuda.get_device_name(device)
    names = packages_distributions()
    targets = {
        str(node["_target_"]).split(".")[0] for node in model.values() if isinstance(node, dict) and "_target_" in node
    }
    others = {names[root][0] for root in targets - {"torch", __package__.split(".")[0]} if root in names}
    parts = [f"{name} {version(name)}" for name in ("torch", "pytorch-lightning", "numpy", *sorted(others))]
    return ", ".join(
        [f"python {platform.python_version()}", *parts, f"{platform.system()} {platform.machine()}", where]
    )


def fingerprint(params: Mapping[str, Any], code: Sequence[str], environment: str) -> str:
    """Return 12 hex digits that change with the frozen params, the content of the code files or the environment."""
    content = {path: hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in code}
    text = json.dumps([params, content, environment], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def save(network: torch.nn.Module, about: Mapping[str, Any], path: Path) -> None:
    """Write a network; `about` needs `network` (its Hydra node, with the shapes) and is what `load` returns."""
    # One key: safetensors writes several in an order that changes from run to run.
    path.write_bytes(to_bytes(network.state_dict(), {"about": json.dumps(about, sort_keys=True)}))


def load(path: Path) -> tuple[torch.nn.Module, dict[str, Any]]:
    """Return a network in evaluation mode and what was saved about it."""
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["about"])
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 the handle is no dict
    network = instantiate(about["network"])
    network.load_state_dict(state)
    return network.eval(), about


def to_float(images: torch.Tensor) -> torch.Tensor:
    """Return uint8 images (n, height, width, channels) as the networks take them: (n, channels, height, width) in [0, 1]."""
    return images.permute(0, 3, 1, 2).float().div_(255)
