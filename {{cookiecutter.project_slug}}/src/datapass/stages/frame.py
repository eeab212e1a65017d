"""The frame that every stage runs in: its params, its errors, and the promise that it declared its code."""

import gc
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ..integrity import refuse_foreign
from ..messages.problems import Refusal, of_system
from ..messages.streams import never_fail_on_a_letter

MACHINERY = Path(__file__).parents[1]
PROJECT = MACHINERY.parents[1]
# What people read while a stage runs cannot change an output, so no stage names it; nor what says whose
# machinery this is.
NEUTRAL = (MACHINERY / "messages", MACHINERY / "__init__.py", MACHINERY / "integrity.py")


def run(stage: str, main: Callable[[], None]) -> None:
    """Run a stage. Exit with code 2 and a message for people where it refuses."""
    never_fail_on_a_letter()
    try:
        refuse_foreign()
        refuse_undeclared_code(stage)
        main()
        refuse_undeclared_code(stage)  # again, for what was imported on the way
        gc.freeze()  # all of it goes with the process: torch's objects are else looked through for half a second
    except Refusal as refusal:
        sys.exit(complain(str(refusal)))
    except OSError as error:
        sys.exit(complain(of_system(error, stage)))
    except KeyboardInterrupt:
        sys.exit(130)
    except SystemExit as stop:  # Lightning's answer to SIGTERM has no exit code, which would mean success
        sys.exit(143 if stop.code is None else stop.code)


def complain(text: str) -> int:
    """Print an error and return the exit code for it."""
    print(text, file=sys.stderr, flush=True)
    return 2


def loaded_code() -> list[str]:
    """Return the files of the project that are imported, relative to it, sorted; installed libraries are none of them.

    Empty files and NEUTRAL ones hold nothing that a stage could depend on.
    """
    files = {file for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))}
    start = os.path.normcase(f"{PROJECT}{os.sep}")  # as text: there are thousands, and each training asks
    found = {Path(file) for file in files if os.path.normcase(file).startswith(start)}
    inside = {path for path in found if path.is_file() and path.stat().st_size and "site-packages" not in path.parts}
    inside = {path for path in inside if not any(path.is_relative_to(neutral) for neutral in NEUTRAL)}
    return sorted(path.relative_to(PROJECT).as_posix() for path in inside)


def model_code() -> list[str]:
    """Return the files of `loaded_code` that are the model's: the team's own, and the training core."""
    core = (MACHINERY / "training").relative_to(PROJECT)
    inside = MACHINERY.relative_to(PROJECT)
    return [file for file in loaded_code() if not Path(file).is_relative_to(inside) or Path(file).is_relative_to(core)]


def stages() -> dict[str, dict[str, Any]]:
    """Return what dvc.yaml says of each stage."""
    with Path("dvc.yaml").open(encoding="utf-8") as file:
        return dict(yaml.safe_load(file)["stages"])


def declared(stage: str) -> dict[str, Any]:
    """Return what dvc.yaml says of a stage."""
    return stages()[stage]


def dependencies(stage: Mapping[str, Any]) -> list[Path]:
    """Return the paths that a stage declares to read."""
    return [Path(dep) for dep in stage["deps"] if isinstance(dep, str)]


def refuse_undeclared_code(stage: str) -> None:
    """Refuse code that DVC does not know of: its change would re-run nothing and the proof would not see it."""
    deps = dependencies(declared(stage))
    missing = [code for code in loaded_code() if not any(Path(code).is_relative_to(dep) for dep in deps)]
    if missing:
        listed = ", ".join(missing)
        raise Refusal(f"dvc.yaml: stage {stage} uses {listed} without declaring it; add it to the deps of {stage}.")
