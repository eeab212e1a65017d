"""Check the Label Studio round trip against a real server: `python tests/label_studio_check.py PROJECT`.

PROJECT is a generated project after `dvc repro`; the check works in a copy. Run it with the project's own Python. It
installs Label Studio from the package index into a virtual environment of its own (1 GB; kept in `--venv` for the next
run), starts the server on 127.0.0.1 with a temporary data folder, two users and no telemetry, and then:

1. `export` writes tasks with suggestions and the labeling config; the server takes both and serves a local image;
2. two people annotate, disagree once and skip once; the project is exported as JSON and as JSON_MIN;
3. `import` turns each export into a pass, the same one, and `curate` accepts it.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv
from pathlib import Path
from typing import Any

TOKEN, PASSWORD = "0123456789abcdef0123456789abcdef01234567", "check-only-local"


class Server:
    """Label Studio's API, on this machine only."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, body: Any = None) -> bytes:
        """Return the answer's body. Raises RuntimeError with the server's own words."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')[:500]}") from None

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """Return the answer as JSON."""
        return json.loads(self.call(method, path, body))


def say(text: str) -> None:
    """Print a line of the transcript."""
    print(text, flush=True)


def install(folder: Path) -> Path:
    """Return the label-studio command of a virtual environment, made where it is missing."""
    command = folder / "bin" / "label-studio"
    if not command.exists():
        say(f"installing label-studio into {folder} (1 GB, some minutes)")
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "pip", "install", "-q", "label-studio"], check=True)
    return command


def start(command: Path, data: Path, root: Path) -> tuple[subprocess.Popen[bytes], Server]:
    """Start the server and wait until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "LABEL_STUDIO_USERNAME": "first@example.org",
        "LABEL_STUDIO_PASSWORD": PASSWORD,
        "LABEL_STUDIO_USER_TOKEN": TOKEN,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(root),
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
    }
    arguments = ["start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port), "--data-dir", str(data)]
    with (data / "server.log").open("wb") as log:
        process = subprocess.Popen([command, *arguments], env=environment, stdout=log, stderr=log, cwd=data)
    server = Server(f"http://127.0.0.1:{port}")
    for _ in range(300):
        try:
            server.call("GET", "/api/version")
            return process, server
        except (OSError, RuntimeError):
            if process.poll() is not None:
                break
            time.sleep(1)
    process.terminate()
    raise SystemExit((data / "server.log").read_text(errors="replace")[-3000:])


def check(project: Path, command: Path, scratch: Path) -> None:
    """Run the round trip in a copy of the project."""
    copy = scratch / "project"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("cache", "tmp", "models", ".venv"))
    environment = os.environ | {"PYTHONPATH": str(copy / "src")}

    def verb(*arguments: str) -> str:
        say(f"$ datapass {' '.join(arguments)}")
        done = subprocess.run(
            [sys.executable, "-m", "datapass", *arguments], cwd=copy, env=environment, capture_output=True, text=True
        )
        said = (done.stdout + done.stderr).strip()
        say(said)
        if done.returncode:
            raise SystemExit(f"exit code {done.returncode}")
        return said

    data = scratch / "label-studio"
    data.mkdir()
    process, server = start(command, data, copy / "data")
    try:
        say(f"Label Studio {server.json('GET', '/api/version')['release']} on 127.0.0.1")
        # A small queue in place of the audit's: five rows, for each another class suggested.
        rows = (copy / "data/examples/train.csv").read_text().splitlines()[1:6]
        named = sorted((copy / "data/examples/classes.csv").read_text().splitlines()[1:])
        given = [row.split(",")[:2] for row in rows]
        other = [next(name for name in named if name != label) for _, label in given]
        lines = [
            f"{id},train,{label},{new},-0.5,0.1,train,model" for (id, label), new in zip(given, other, strict=True)
        ]
        head = "id,split,label,suggested,margin,self_confidence,queue,reason"
        (copy / "reports/suspects.csv").write_text("\n".join([head, *lines]) + "\n")
        verb("export", "--number", "5")
        tasks = json.loads((copy / "reports/tasks.json").read_text())
        config = (copy / "reports/label_studio.xml").read_text()

        made = server.json("POST", "/api/projects", {"title": "check", "label_config": config})["id"]
        say(f"project {made}: the server took the labeling config")
        odd = "['<b>&\"quoted\"</b>', '$x', 'Ünï ✓', *map(str, range(40))]"
        made_by = f"from datapass.annotators.tasks import config; print(config('text', {odd}))"
        other_config = subprocess.check_output([sys.executable, "-c", made_by], cwd=copy, env=environment, text=True)
        server.call("POST", "/api/projects/validate/", {"label_config": other_config})
        say("and one with 43 classes, some with odd names")
        storage = {"project": made, "path": str(copy / "data" / "raw"), "use_blob_urls": True}
        server.json("POST", "/api/storages/localfiles", storage)
        answer = server.json("POST", f"/api/projects/{made}/import?return_task_ids=true", tasks)
        say(f"imported: {answer['task_count']} tasks, {answer['prediction_count']} predictions")
        assert (answer["task_count"], answer["prediction_count"]) == (5, 5)
        image = server.call("GET", tasks[0]["data"]["image"])
        say(f"{tasks[0]['data']['image']}: {len(image)} bytes")
        assert image == (copy / "data/raw" / f"{tasks[0]['data']['image'].split('?d=raw/')[1]}").read_bytes()

        second = server.json("POST", "/api/users/", {"email": "second@example.org", "username": "second"})["id"]
        first = server.json("GET", "/api/current-user/whoami")["id"]
        say(f"people: {first} and {second}")
        ids = answer["task_ids"]

        def annotate(task: int, name: str, who: int, **more: object) -> None:
            result = {"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": [name]}}
            note = {"from_name": "note", "to_name": "image", "type": "textarea", "value": {"text": ["clearly so"]}}
            body = {"result": [result, note], "completed_by": who, "lead_time": 4.2} | more
            server.json("POST", f"/api/tasks/{task}/annotations/", body)

        annotate(ids[0], other[0], first)  # both say it is another class: relabel
        annotate(ids[0], other[0], second)
        annotate(ids[1], given[1][1], first)  # it is right: keep
        annotate(ids[2], other[2], first)  # they disagree: no edit
        annotate(ids[2], given[2][1], second)
        annotate(ids[3], other[3], first, was_cancelled=True)  # skipped; the fifth is not annotated
        passes = []
        for form in ("JSON", "JSON_MIN"):
            exported = server.call("GET", f"/api/projects/{made}/export?exportType={form}")
            file = scratch / f"export-{form}.json"
            file.write_bytes(exported)
            say(f"exported as {form}: {len(json.loads(exported))} records, {len(exported)} bytes")
            placed = copy / verb("import", str(file)).split(".csv:")[-2].splitlines()[-1]
            passes.append(placed.with_suffix(".csv").read_text())
            say(passes[-1].strip())
            say((copy / "data/annotations.csv").read_text().strip())
            if form == "JSON":
                placed.with_suffix(".csv").unlink()  # else the second import is of stale labels
        assert passes[0] == passes[1], "JSON and JSON_MIN gave different passes"
        rows = [line.split(",")[:4] for line in passes[0].splitlines()[1:]]
        wanted = [[given[0][0], "relabel", other[0], given[0][1]], [given[1][0], "keep", given[1][1], given[1][1]]]
        assert sorted(rows) == sorted(wanted), rows
        verb("agree")
        say("$ python -m datapass.stages.curate")
        subprocess.run([sys.executable, "-m", "datapass.stages.curate"], cwd=copy, env=environment, check=True)
        say("the round trip holds")
    finally:
        process.terminate()
        process.wait(30)


def main() -> None:
    """Read the arguments and run the check in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("--venv", type=Path, default=Path.home() / ".cache" / "label-studio-check")
    arguments = parser.parse_args()
    command = install(arguments.venv.resolve())
    with tempfile.TemporaryDirectory(prefix="label-studio-check-") as scratch:
        check(arguments.project.resolve(), command, Path(scratch).resolve())


if __name__ == "__main__":
    main()
