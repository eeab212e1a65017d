"""Commands as one types them with what they print, and their place in a page; for the documents."""

import re
from pathlib import Path

from conftest import ROOT, Project

DOCS = ROOT / "docs"
NOTHING = "(?!)"  # matches no line
RUN = " applied: |^accuracy|look wrong"  # what the stages say of a result


class Transcript:
    """Runs commands as one types them and keeps what they print."""

    def __init__(self, project: Project) -> None:
        self.project, self.lines = project, []

    def type(self, command: str, ok: bool = True, keep: str = "") -> None:
        """Run a shell command; keep the lines of its output that match `keep`, all of them where it is empty."""
        run = re.sub("^datapass ", "python -m datapass ", command)
        done = self.project.run("sh", "-c", f"{run} 2>&1", ok=ok, COLUMNS="100")
        shown = [line.rstrip() for line in done.stdout.splitlines() if re.search(keep, line)]
        assert shown or keep in ("", NOTHING), f"{command} printed nothing like {keep}"
        self.lines += [f"$ {command}", *shown, ""]

    def __str__(self) -> str:
        return "```console\n" + "\n".join(self.lines).rstrip() + "\n```\n"


def between(file: Path, mark: str, text: str) -> None:
    """Put a text between `<!-- mark -->` and `<!-- end -->` in a page."""
    page = file.read_text(encoding="utf-8")
    fresh = re.sub(
        rf"(<!-- {mark} -->\n).*?(<!-- end -->)", lambda m: m[1] + text + m[2], page, count=1, flags=re.DOTALL
    )
    file.write_text(fresh, encoding="utf-8")
