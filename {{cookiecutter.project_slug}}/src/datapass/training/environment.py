"""What else decides the weights: the versions, the machine, and which code and settings the model is made of."""

import hashlib
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..messages.problems import Refusal
from ..settings import targets

if TYPE_CHECKING:  # an estimator's environment needs none
    import torch

CODE = "code."  # in a version, before what tells its code apart
SOURCE = Path(__file__).resolve().parents[2]


def environment(device: "torch.device", nodes: Mapping[str, Any]) -> str:
    """Return versions, system and device as one readable line, such as `python 3.11.7, torch 2.13.0, ..., Linux x86_64, cpu AVX2`.

    Besides torch and its trainer these are the `libraries` of `nodes`.
    """
    import torch

    where = f"cpu {torch.backends.cpu.get_cpu_capability()}" if device.type == "cpu" else device.type
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else where
    others = libraries(nodes) - {"torch", "pytorch-lightning"}
    return line(["torch", "pytorch-lightning", "numpy", *sorted(others)], where)


def line(packages: Sequence[str], device: str) -> str:
    """Return the versions of python and of packages, the system and the device as one line."""
    parts = [f"{name} {_version(name)}" for name in packages]
    machine = f"{platform.system()} {platform.machine()}"
    return ", ".join([f"python {platform.python_version()}", *parts, machine, device.replace(",", "")])


def _version(name: str) -> str:
    """Return the version of a package, with what tells its code apart where that changes under a version (PEP 610).

    That is the commit where it comes from a repository, and where it is installed from a folder that one edits a hash of its
    modules that are imported.
    """
    found = distribution(name)
    folder = editable(found)
    code = _origin(found).get("vcs_info", {}).get("commit_id", "") if folder is None else _imported_from(folder)
    return f"{found.version}{'.' if '+' in found.version else '+'}{CODE}{code[:12]}" if code else found.version


def editable(library: Distribution) -> Path | None:
    """Return the folder from which a library is installed such that someone may edit it (PEP 610); None for others."""
    origin = _origin(library)
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return Path(url2pathname(urlsplit(origin["url"]).path))


def _origin(library: Distribution) -> dict[str, Any]:
    return dict(json.loads(library.read_text("direct_url.json") or "{}"))


def _imported_from(folder: Path) -> str:
    """Return 64 hex digits that change with the content of what is imported from a folder."""
    named = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    inside = sorted(path for name in named if name and (path := Path(name)).is_relative_to(folder) and path.is_file())
    content = [[path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()] for path in inside]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def libraries(nodes: Mapping[str, Any]) -> set[str]:
    """Return the installed packages but numpy that the model comes from.

    These are the libraries that the `_target_`s of `nodes` name, and those that the project's own modules among them
    import; the model must have been made.

    Raises:
        Refusal: where such a library is not installed as a package, so that nothing would tell its versions apart.
    """
    installed = _installed()
    roots = _roots(nodes) - sys.stdlib_module_names - {"numpy", "datapass"}
    strange = sorted(roots - installed.keys())
    if strange:
        what = "which is no installed package, so its changes would not be seen; put it under src/ or install it"
        raise Refusal(f"conf/model: the model uses {', '.join(strange)}, {what}.")
    return {installed[root][0] for root in roots}


@cache
def _installed() -> Mapping[str, list[str]]:
    """Return the packages of each top-level module; reading them takes a quarter of a second, and each training asks."""
    return packages_distributions()


def _roots(nodes: Mapping[str, Any]) -> set[str]:
    """Return the top-level modules outside the project that the model comes from, by what is imported now."""
    waiting, seen, roots = {target.rpartition(".")[0] for target in targets(nodes)}, set[str](), set[str]()
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


def fingerprint(params: Mapping[str, Any], code: Sequence[str]) -> str:
    """Return 12 hex digits that change with the frozen params and the content of the model's code files."""
    content = {path: hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in code}
    return hashlib.sha256(json.dumps([params, content], sort_keys=True).encode()).hexdigest()[:12]
