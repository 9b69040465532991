"""The ready CI files do what they say, run as a CI would run them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are another package

from surveyor.layout import find_layout
from surveyor.targets import load_target

ROOT = Path(__file__).parents[2]
CI = ROOT / "docs" / "ci"
WORKFLOW: dict[str, Any] = yaml.safe_load((CI / "github-actions.yml").read_text())
JOB: dict[str, Any] = WORKFLOW["jobs"]["conform"]
STEPS: list[dict[str, Any]] = JOB["steps"]
AREA = "attributes"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a runner has: `surveyor` and `python` on the path, and a file for the summary."""
    scripts = Path(sys.executable).parent
    return {
        "PATH": f"{scripts}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }


def run(command: list[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run to the end."""
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def shell(environment: Mapping[str, str], folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run conform.sh."""
    return run(["sh", str(CI / "conform.sh"), *words], folder, environment)


def work(environment: Mapping[str, str], folder: Path, **settings: str) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run the workflow's shell steps as a runner would: after one that failed, only those that always run.

    `settings` stand for what a user writes under `env`. Expressions are evaluated as far as the file uses them.
    """
    env = {**environment, **{name: str(value) for name, value in JOB["env"].items()}, **settings}
    done: dict[str, subprocess.CompletedProcess[str]] = {}
    failed = False
    for step in STEPS:
        condition = step.get("if", "success()")
        met = {"always()": True, "success()": not failed, "env.START != ''": not failed and env["START"] != ""}[
            condition
        ]
        if "run" in step and met:
            done[step["name"]] = run(["bash", "-e", "-c", step["run"]], folder, env)
            failed |= done[step["name"]].returncode != 0
    return done


def test_shell_passes_a_target_that_is_as_expected(environment: dict[str, str], tmp_path: Path) -> None:
    """Exit 0, a report, and the summary where the runner wants it."""
    done = shell(environment, tmp_path, "embedded", "reports", "--area", AREA)
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("as expected\n")
    assert (tmp_path / "reports" / "junit.xml").is_file()
    assert "embedded" in (tmp_path / "summary.md").read_text()


@pytest.mark.parametrize(
    ("code", "said"),
    [(0, "as expected"), (1, "--update-expectations"), (2, "wrong usage"), (3, "could not be reached"),
     (4, "surveyor sweep reports"), (130, "interrupted"), (137, "ended with code 137")],
)  # fmt: skip
def test_shell_passes_each_exit_code_on(environment: dict[str, str], tmp_path: Path, code: int, said: str) -> None:
    """With one line that says what to do; what surveyor is given is the target, the folder and every option."""
    stand_in = tmp_path / "bin" / "surveyor"
    stand_in.parent.mkdir()
    stand_in.write_text(f'#!/bin/sh\necho "$@" > asked\nexit {code}\n')
    stand_in.chmod(0o755)
    path = {"PATH": f"{stand_in.parent}:{os.environ['PATH']}"}
    done = shell(environment | path, tmp_path, "a target", "reports", "--area", "dns")
    assert done.returncode == code
    (line,) = done.stderr.splitlines()
    assert said in line
    assert (tmp_path / "asked").read_text() == "conform --target a target --out reports --area dns\n"


def test_shell_says_what_it_needs(environment: dict[str, str], tmp_path: Path) -> None:
    """Too few words, and no surveyor, are wrong usage."""
    assert "usage: conform.sh TARGET FOLDER" in shell(environment, tmp_path, "embedded").stderr
    bare = tmp_path / "bare"
    bare.mkdir()
    done = run(["/bin/sh", str(CI / "conform.sh"), "embedded", "reports"], tmp_path, {"PATH": str(bare)})
    assert done.returncode == 2
    assert "there is no surveyor on the path" in done.stderr


@pytest.fixture(params=["github-actions.yml", "gate-actions.yml"])
def workflow(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each of the workflows, with its text under `text` and its one job under `job`."""
    text = (CI / request.param).read_text("utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    [job] = found["jobs"].values()
    return {**found, "text": text, "job": job}


def test_workflow_asks_for_little_and_ends(workflow: dict[str, Any]) -> None:
    """It may read the repository, nothing else, keeps no token, and stops by itself."""
    assert workflow["permissions"] == {"contents": "read"}
    assert "permissions" not in workflow["job"]
    assert 0 < workflow["job"]["timeout-minutes"] <= 60
    assert workflow["job"]["steps"][0]["with"] == {"persist-credentials": False}
    assert "secrets" not in workflow["text"].replace("no secrets", "")


def test_actions_are_pinned(workflow: dict[str, Any]) -> None:
    """To a major tag, as the file says, or to a commit."""
    used = [step["uses"] for step in workflow["job"]["steps"] if "uses" in step]
    assert len(used) == 3
    assert [one for one in used if not re.fullmatch(r"actions/[\w-]+@(v\d+|[0-9a-f]{40})", one)] == []


def test_nothing_from_outside_becomes_a_command(workflow: dict[str, Any]) -> None:
    """A run step has no expression in it: what a pull request may choose reaches a shell as a variable if at all."""
    assert [step["name"] for step in workflow["job"]["steps"] if "${{" in step.get("run", "")] == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Surveyor's wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], ROOT, os.environ)
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture
def runner(environment: dict[str, str], tmp_path: Path, wheel: Path) -> dict[str, str]:
    """The environment of a runner on which pip installs for real, into a folder of its own and from the wheel alone."""
    site = tmp_path / "site"
    pip = {"PIP_TARGET": str(site), "PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    found = {"PATH": f"{site / 'bin'}:{environment['PATH']}", "PYTHONPATH": str(site)}
    return environment | pip | found | {"SURVEYOR": str(wheel)}


def test_workflow_runs_from_the_wheel(runner: dict[str, str], tmp_path: Path) -> None:
    """Installed, without a checkout, on a target that Surveyor starts: a report to keep, and a summary."""
    done = work(runner, tmp_path, SURVEYOR=runner["SURVEYOR"], TARGET="embedded", OPTIONS=f"--area {AREA}")
    assert {name: one.returncode for name, one in done.items()} == {"Install": 0, "Conform": 0, "Summary": 0}
    assert (tmp_path / "site" / "surveyor" / "_bundle" / "suites").is_dir()
    assert "embedded" in (tmp_path / "summary.md").read_text()
    (upload,) = (step for step in STEPS if step.get("uses", "").startswith("actions/upload-artifact"))
    assert upload["if"] == "always()"
    assert [path for path in upload["with"]["path"].split() if not (tmp_path / path).is_file()] == []


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A free port, for an emulator that writes its id to `emulator.pid` and is ended afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield_port = int(probe.getsockname()[1])
    yield yield_port
    os.kill(int((tmp_path / "emulator.pid").read_text()), signal.SIGTERM)


def test_workflow_starts_an_emulator_and_waits_for_it(runner: dict[str, str], tmp_path: Path, port: int) -> None:
    """What START leaves running is judged at its URL once it answers."""
    start = f"surveyor emulator --port {port} --clock advance > emulator.log 2>&1 & echo $! > emulator.pid"
    url = f"http://127.0.0.1:{port}"
    options = f"--area {AREA}"
    done = work(runner, tmp_path, SURVEYOR=runner["SURVEYOR"], TARGET=url, ENDPOINT=url, START=start, OPTIONS=options)
    assert {name: one.returncode for name, one in done.items()} == {
        "Install": 0, "Start": 0, "Conform": 0, "Summary": 0
    }, done["Conform"].stderr  # fmt: skip


@pytest.mark.parametrize(
    ("target", "code", "said"),
    [("http://127.0.0.1:9", 3, "title=No verdict"), ("no-such-target", 2, "title=Nothing was judged")],
)
def test_workflow_fails_with_a_word_on_it(
    environment: dict[str, str], tmp_path: Path, target: str, code: int, said: str
) -> None:
    """The step has surveyor's own code and an annotation, and the page of the run says that much, too."""
    done = work(environment | {"PIP_NO_INDEX": "1"}, tmp_path, SURVEYOR="pip", TARGET=target)  # pip is there already
    assert done["Conform"].returncode == code
    assert f"::error {said}" in done["Conform"].stdout
    assert done["Summary"].returncode == 0
    assert (tmp_path / "summary.md").read_text() != ""


def test_the_target_file_of_the_page_is_one(tmp_path: Path) -> None:
    """What the page tells people to write into their repository is read."""
    (block,) = re.findall(r"(?:^    .*=.*\n)+", (CI / "README.md").read_text(), re.MULTILINE)
    path = tmp_path / "emulator.toml"
    path.write_text(re.sub("^    ", "", block, flags=re.MULTILINE))
    target = load_target(str(path), find_layout().targets)
    assert target.endpoint == tomllib.loads(path.read_text())["endpoint"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "usage: gate.sh GATE.toml FOLDER SCENARIO"),
        (("gate.toml", "out", "deplay"), "did you mean 'deploy'"),
        (("gate.toml", "out", "deploy", "--", "--target", "embeded"), "did you mean 'embedded'"),
    ],
)
def test_the_gate_says_what_makes_no_sense(
    tmp_path: Path, environment: dict[str, str], words: tuple[str, ...], says: str
) -> None:
    """Exit code 2 of `surveyor load` is passed on, and nothing is judged."""
    done = subprocess.run(
        ["sh", str(CI / "gate.sh"), *words],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert says in done.stderr
    assert not (tmp_path / "summary.md").exists()
