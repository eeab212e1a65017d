"""Many data revisions of one baseline, made without a training each, and the least that reading them costs."""

import io
import subprocess
from hashlib import md5

import numpy as np
import pandas as pd
import yaml

from conftest import Project

N = 50
TRAIN, ANSWERS, LOCK = FILES = ("data/examples/train.csv", "reports/predictions.csv", "dvc.lock")
FLOOR = f"""
import io, subprocess, pandas as pd, yaml
refs = subprocess.check_output(['git', 'for-each-ref', '--format=%(objectname)', 'refs/exps'], text=True).split()
def read(commits, *paths):
    asked = ''.join(f'{{commit}}:{{path}}\\n' for commit in commits for path in paths).encode()
    out = subprocess.run(['git', 'cat-file', '--batch'], input=asked, stdout=subprocess.PIPE).stdout
    while out:
        head, _, out = out.partition(b'\\n')
        size = int(head.split()[2])
        yield out[:size]
        out = out[size + 1:]
assert len(refs) == {N}
for content in read(COMMITS, 'data/examples/train.csv', 'data/examples/test.csv', 'reports/predictions.csv'):
    pd.read_csv(io.BytesIO(content), dtype=str)
for content in read(['HEAD', *refs], 'dvc.lock'):
    yaml.load(content, Loader=yaml.CSafeLoader)
"""
FLOORS = {"gains": FLOOR.replace("COMMITS", "['HEAD', *refs]"), "worth": FLOOR.replace("COMMITS", "['HEAD', refs[0]]")}


def file_md5(content: bytes) -> str:
    """Return the hash that dvc.lock holds of a file."""
    return md5(content, usedforsecurity=False).hexdigest()


def make(project: Project) -> None:
    """Make experiments on HEAD, as DVC keeps them: each has other training labels, answers and weights."""
    head = project.run("git", "rev-parse", "HEAD").stdout.strip()
    old = {path: (project.path / path).read_bytes() for path in FILES}
    train, answers = (pd.read_csv(io.BytesIO(old[path]), dtype="str", keep_default_na=False) for path in FILES[:2])
    models = yaml.safe_load(old[LOCK])["stages"]["train"]["outs"][0]["md5"]
    classes = np.array(sorted(set(train["label"])))
    other = dict(zip(classes, np.roll(classes, 1), strict=True))
    seeds = [column for column in answers if column.startswith("seed_")]
    rng, parts = np.random.default_rng(0), []
    for number in range(N):
        relabelled, answered = train.copy(), answers.copy()
        rows = rng.choice(len(train), 5 + number, replace=False)
        relabelled.loc[rows, "label"] = relabelled.loc[rows, "label"].map(other)
        right = answers["label"] if number % 2 else answers["label"].map(other)
        for seed in seeds:
            answered[seed] = answered[seed].mask(rng.random(len(answers)) < number / 1000, right)
        new = {TRAIN: relabelled, ANSWERS: answered}
        files = {path: table.to_csv(index=False, lineterminator="\n").encode() for path, table in new.items()}
        lock = old[LOCK].decode().replace(models, f"{file_md5(str(number).encode())}.dir")
        for path, content in files.items():
            lock = lock.replace(file_md5(old[path]), file_md5(content))
        about = f"committer T <t@example.com> {1_700_000_000 + number} +0000\ndata 0\nfrom {head}"
        parts.append(f"commit refs/exps/{head[:2]}/{head[2:]}/clean-{number:02}\n{about}\n".encode())
        for path, content in (files | {LOCK: lock.encode()}).items():
            parts.append(f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n")
    subprocess.run(
        ["git", "fast-import", "--quiet"], cwd=project.path, input=b"".join(parts), env=project.env, check=True
    )


def check(project: Project) -> None:
    """Check that the commands take all of them as results."""
    printed = project.verb("gains", "HEAD").stdout
    assert f"Data only: {N} results, by gain" in printed, printed
    assert "clean-49" in project.verb("worth", "HEAD", "clean-49").stdout
