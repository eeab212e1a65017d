"""Models as files: safetensors, whose metadata says how to build the network, with what it was trained, and where."""

import hashlib
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import packages_distributions, version
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from hydra.utils import instantiate
from safetensors import safe_open
from safetensors.torch import save as to_bytes

from ..messages.problems import Refusal

SOURCE = Path(__file__).resolve().parents[2]


def environment(device: torch.device, model: Mapping[str, Any]) -> str:
    """Return what else decides the weights: versions, processor kind and device, as one readable line.

    Besides torch and its trainer these are the libraries that the model's `_target_`s name, and those that the project's
    own modules among them import; the model must have been built. Raises Refusal where such a library is not installed
    as a package, so that nothing would tell its versions apart.
    """
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    installed = packages_distributions()
    roots = _libraries(model) - sys.stdlib_module_names - {"torch", "pytorch_lightning", "numpy"}
    strange = sorted(roots - installed.keys())
    if strange:
        what = "which is no installed package, so its changes would not be seen; put it under src/ or install it"
        raise Refusal(f"conf/model: the model uses {', '.join(strange)}, {what}.")
    others = {installed[root][0] for root in roots}
    parts = [f"{name} {version(name)}" for name in ("torch", "pytorch-lightning", "numpy", *sorted(others))]
    return ", ".join(
        [f"python {platform.python_version()}", *parts, f"{platform.system()} {platform.machine()}", where]
    )


def _libraries(model: Mapping[str, Any]) -> set[str]:
    """Return the top-level modules outside the project that the model comes from, by what is imported now."""
    waiting, seen, roots = {target.rpartition(".")[0] for target in _targets(model)}, set[str](), set[str]()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        if not _own(name):
            roots.add(name.partition(".")[0])
        elif name in sys.modules:
            values = vars(sys.modules[name]).values()
            named = {v.__name__ if isinstance(v, ModuleType) else getattr(v, "__module__", None) for v in values}
            waiting |= {n for n in named if isinstance(n, str)} - seen
    return roots - {""}


def _own(name: str) -> bool:
    """Return whether a module is of the project itself, by where its package was imported from."""
    places = getattr(sys.modules.get(name.partition(".")[0]), "__path__", [])
    return any(Path(place).resolve().is_relative_to(SOURCE) for place in places)


def _targets(node: Any) -> set[str]:
    """Return all `_target_`s of a Hydra node."""
    if isinstance(node, Mapping):
        own = {str(node["_target_"])} if "_target_" in node else set()
        return own.union(*map(_targets, node.values()))
    return set().union(*map(_targets, node)) if isinstance(node, list) else set()


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
