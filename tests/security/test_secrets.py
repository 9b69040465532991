"""A target that repeats all that it is sent puts no credential and no hidden character into what is kept or printed."""

from __future__ import annotations

import os
import random
import re
import string
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from surveyor.layout import find_layout
from tests.security.echo_target import ACCOUNT, echo_target, forms

ROOT = find_layout().root
_RANDOM = random.Random(5)
_LETTERS = string.ascii_letters + string.digits + "+/"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIA" + "".join(_RANDOM.choices(string.ascii_uppercase + "234567", k=16)),
    "AWS_SECRET_ACCESS_KEY": "".join(_RANDOM.choices(_LETTERS, k=40)),
    "AWS_SESSION_TOKEN": "SEKRETTOKEN" + "".join(_RANDOM.choices(_LETTERS, k=500)) + "==",
}
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
AWS = ["--target", "aws", "--endpoint", "URL", "--account", ACCOUNT, "--region", "us-east-1"]


def leaks(content: bytes) -> list[str]:
    """Return the names of credentials of which a content has a piece, in any encoding, and what else is wrong."""
    text = "".join(content.decode("utf-8", "replace").split())
    found = [
        name
        for name, value in CREDENTIALS.items()
        if any(form[start : start + 18] in text for form in forms(value)[:12] for start in range(4, len(form) - 20, 5))
    ]
    found += ["SEKRET"] if "SEKRETTOKEN" in text.upper() else []
    found += ["signature"] if re.search(r"Signature(=|%3D)[0-9a-f]", text) else []
    return found + (["hidden characters"] if HIDDEN.search(content.decode("utf-8", "replace")) else [])


def run(mode: str, words: list[str], folder: Path) -> dict[str, bytes]:
    """Run a program against the target, and return what it printed and what it kept, by name."""
    scratch = folder / "tmp"
    scratch.mkdir()
    environment: Mapping[str, str] = {**os.environ, **CREDENTIALS, "TMPDIR": str(scratch), "COLUMNS": "100"}
    with echo_target(mode) as url:
        done = subprocess.run(
            [sys.executable, "-m", *(word.replace("URL", url).replace("DIR", str(folder)) for word in words)],
            capture_output=True, cwd=ROOT, env=environment, timeout=240, check=False,
        )  # fmt: skip
    kept = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {"stdout": done.stdout, "stderr": done.stderr, **kept}


COMMANDS = {
    "conform, sts": ("sts", ["surveyor", "conform", *AWS, "--area", "operations", "--out", "DIR/run"]),
    "conform, another account": ("identity", ["surveyor", "conform", *AWS, "--area", "instances", "--out", "DIR/run"]),
    "conform": ("members", ["surveyor", "conform", *AWS, "--area", "errors", "--out", "DIR/run", "--workers", "1"]),
    "pytest": (
        "members",
        ["pytest", "suites/instances", "-n", "0", *AWS, "--out", "DIR/run", "--junitxml", "DIR/j.xml", "--alluredir",
         "DIR/allure", "-k", "register_creates", "-rA"],
    ),
    "recordings": (
        "errors",
        ["surveyor", "recordings", "check", *AWS, "--recording", "cm-ns-no-service-count", "--out", "DIR/run"],
    ),
    "audit": ("members", ["surveyor", "audit", *AWS, "--cluster", "x", "--json", "DIR/audit.json"]),
    "audit, errors": ("errors", ["surveyor", "audit", *AWS, "--namespace", "x", "--json", "-"]),
    "chaos": ("members", ["surveyor", "chaos", "kill-half", *AWS, "--enable", "ecs-processes", "--out", "DIR/run"]),
    "load": ("errors", ["surveyor", "load", "lose-one", *AWS, "--enable", "ecs-processes", "--out", "DIR/run"]),
    "advise": ("errors", ["surveyor", "advise", *AWS, "--enable", "ecs-processes", "--out", "DIR/run"]),
    "model": ("errors", ["surveyor", "model", *AWS, "--out", "DIR/run"]),
    "URL": ("members", ["surveyor", "conform", "--target", "URL", "--area", "attributes", "--out", "DIR/run"]),
    "account of another URL": ("errors", ["surveyor", "sweep", "--account", ACCOUNT, "--endpoint", "URL"]),
}  # fmt: skip
"""Commands with the mode of the target."""


@pytest.mark.soak
@pytest.mark.parametrize("name", COMMANDS)
def test_no_credential_is_kept_or_printed(name: str, tmp_path: Path) -> None:
    """Reports of all forms, ledgers, histories, logs, tracebacks and both outputs."""
    mode, words = COMMANDS[name]
    outputs = run(mode, words, tmp_path)
    assert {name: found for name, content in outputs.items() if (found := leaks(content))} == {}
    assert outputs["stdout"] + outputs["stderr"], "the command said nothing"
    assert b"Traceback" not in outputs["stderr"] or name == "pytest"


@pytest.fixture(scope="module")
def refused_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run whose target refused every call with an echo."""
    folder = tmp_path_factory.mktemp("echo")
    words = ["surveyor", "conform", *AWS, "--claim", "namespaces.no-generic-create", "--out", "DIR/run"]
    assert {name: found for name, content in run("errors", words, folder).items() if (found := leaks(content))} == {}
    return folder / "run"


@pytest.mark.soak
@pytest.mark.parametrize(
    "words",
    [["explain", "RUN"], ["diff", "RUN", "RUN"], ["compare", "RUN", "RUN", "--out", "DIR/out"],
     ["advise", "RUN/report.json"], ["gate", "DIR/gate.toml", "RUN", "--summary", "DIR/summary.md"]],
    ids=lambda words: words[0],
)  # fmt: skip
def test_what_reads_a_report_has_no_credential(words: list[str], refused_run: Path, tmp_path: Path) -> None:
    """A report has none, so what is made of it has none."""
    (tmp_path / "gate.toml").write_text('[[threshold]]\nclaim = "namespaces.no-generic-create"\n')
    outputs = run("errors", ["surveyor", *(word.replace("RUN", str(refused_run)) for word in words)], tmp_path)
    assert {name: found for name, content in outputs.items() if (found := leaks(content))} == {}
