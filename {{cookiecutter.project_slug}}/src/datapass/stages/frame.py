"""The frame that every stage runs in: its params, its errors, and the promise that it declared its code."""

import gc
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pathspec import GitIgnoreSpec

from ..files.paths import PARAMS, RAW
from ..integrity import refuse_foreign
from ..messages.problems import Refusal, of_system
from ..messages.streams import never_fail_on_a_letter

MACHINERY = Path(__file__).parents[1]
PROJECT = MACHINERY.parents[1]
# What people read while a stage runs cannot change an output, so no stage names it; nor what says whose
# machinery this is.
NEUTRAL = (MACHINERY / "messages", MACHINERY / "__init__.py", MACHINERY / "integrity.py")
Stage = Mapping[str, Any]  # what dvc.yaml says of one
Stamps = Mapping[Path, object]


def run(stage: str, main: Callable[[], None]) -> None:
    """Run a stage. Exit with code 2 and a message for people where it refuses."""
    never_fail_on_a_letter()
    try:
        refuse_foreign()
        refuse_undeclared_code(stage)
        before = stamps(declared(stage))
        main()
        refuse_undeclared_code(stage)  # again, for what was imported on the way
        refuse_changes(stage, before)
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


def dependencies(stage: Stage) -> list[Path]:
    """Return the paths that a stage declares to read."""
    return [Path(dep) for dep in stage["deps"] if isinstance(dep, str)]


def read_by(stage: Stage) -> set[Path]:
    """Return the paths that a stage declares to read, but for conf.ok, and the files of its params but for params.yaml."""
    others = {Path(name) for one in stage["params"] if isinstance(one, dict) for name in one}
    return set(dependencies(stage)) - {Path("conf.ok")} | others - {PARAMS}


def files(paths: Iterable[Path]) -> list[Path]:
    """Return the files at and under some paths, sorted, but for those that .dvcignore names and what Python compiles."""
    found = {file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()}
    rules = Path(".dvcignore").read_text(encoding="utf-8") if Path(".dvcignore").is_file() else ""
    ignored = set(GitIgnoreSpec.from_lines(rules.splitlines()).match_files(file.as_posix() for file in found))
    return sorted(file for file in found if file.as_posix() not in ignored and file.suffix != ".pyc")


def stamps(stage: Stage) -> Stamps:
    """Return what tells that a file was written anew, of each that a stage reads.

    Of data/raw/ these are the files of labels: `pack` notes a hash of each other file before it reads it.
    """
    paths = read_by(stage)
    if RAW in paths:
        paths = paths - {RAW} | set(RAW.glob("*/labels.*"))
    stats = {file: file.stat() for file in files(paths)}
    return {file: (one.st_mtime_ns, one.st_size, one.st_ino) for file, one in stats.items()}


def refuse_changes(stage: str, before: Stamps) -> None:
    """Refuse the outputs of a stage if anything that it reads was written since: DVC hashes what it finds when a stage ends."""
    now = stamps(declared(stage))
    changed = sorted(file.as_posix() for file in now.keys() | before.keys() if now.get(file) != before.get(file))
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise Refusal(
            f"{', '.join(changed[:3])}{more} changed while stage {stage} ran, so nobody could say of what its results are. Run `dvc repro` "
            "again: trainings that ended before are kept. To go on working meanwhile, use a folder of its own: `dvc exp run --temp`."
        )


def refuse_undeclared_code(stage: str) -> None:
    """Refuse code that DVC does not know of: its change would re-run nothing and the proof would not see it."""
    deps = dependencies(declared(stage))
    missing = [code for code in loaded_code() if not any(Path(code).is_relative_to(dep) for dep in deps)]
    if missing:
        listed = ", ".join(missing)
        raise Refusal(f"dvc.yaml: stage {stage} uses {listed} without declaring it; add it to the deps of {stage}.")
