"""The command `datapass`: verbs beside DVC's own. Each is a thin function of `verbs/` over one room, imported when it is called."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from .messages.problems import Refusal, of_system
from .messages.streams import never_fail_on_a_letter
from .stages.frame import complain
from .verbs import comparing, data, deciding, labelling, production

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
VERBS: dict[str, Callable[..., None]] = {  # in the order in which `--help` lists them
    "compare": comparing.compare,
    "diff": comparing.diff,
    "passes": comparing.passes,
    "frozen": comparing.frozen,
    "errors": deciding.errors,
    "gains": deciding.gains,
    "worth": deciding.worth,
    "plan": deciding.plan,
    "review": labelling.review,
    "agree": labelling.agree,
    "predict": production.predict,
    "watch": production.watch,
    "pick": production.pick,
    "bring-back": production.bring_back,
    "adopt": data.adopt,
    "renew-test": data.renew_test,
    "import": labelling.import_,
    "export": labelling.export,
}
for name, verb in VERBS.items():
    app.command(name)(verb)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version, and whether files were edited.")
    ] = False,
) -> None:
    """Compare data revisions on a frozen model. `dvc repro`, `dvc exp run` and `dvc exp show` do the rest."""
    if version:
        from . import integrity

        print(integrity.version())


def in_project() -> None:
    """Raise Refusal where this is not a project's folder, no Git repository holds it, or its machinery is another's."""
    from .comparison.revisions import git
    from .integrity import refuse_foreign

    if not Path("dvc.yaml").is_file():
        raise Refusal("There is no dvc.yaml here; run this in the project's folder.")
    refuse_foreign()
    try:
        git("rev-parse", "--git-dir")
    except Refusal:
        raise Refusal("The project is in no Git repository; `git init -b main` first.") from None


def main() -> None:
    """Run a verb. A refusal is printed for people, without a traceback, and exits with code 2."""
    never_fail_on_a_letter()
    try:
        if len(sys.argv) > 1 and not {"--help", "--version"} & set(sys.argv):
            in_project()
        app(prog_name="datapass")
    except Refusal as refusal:
        sys.exit(complain(str(refusal)))
    except OSError as error:
        sys.exit(complain(of_system(error)))
