"""The files of docs/ci work as described, run as a CI system runs them."""

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
    """Return the environment of a runner: `surveyor` and `python` on the path, and a file for the summary."""
    scripts = Path(sys.executable).parent
    return {
        "PATH": f"{scripts}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }


def run(command: list[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def run_script(environment: Mapping[str, str], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run conform.sh."""
    return run(["sh", str(CI / "conform.sh"), *arguments], folder, environment)


def run_workflow(
    environment: Mapping[str, str], folder: Path, job: dict[str, Any] = JOB, **settings: str
) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run the shell steps of a job as a runner does: after a failed step, only those that always run.

    `settings` are the values that a user writes under `env`. Only the conditions that the files use are supported.
    """
    env = {**environment, **{name: str(value) for name, value in job["env"].items()}, **settings}
    results: dict[str, subprocess.CompletedProcess[str]] = {}
    failed = False
    for step in job["steps"]:
        condition = step.get("if", "success()")
        started = not failed and env.get("START", "") != ""
        met = {"always()": True, "success()": not failed, "env.START != ''": started}[condition]
        if "run" in step and met:
            results[step["name"]] = run(["bash", "-e", "-c", step["run"]], folder, env)
            failed |= results[step["name"]].returncode != 0
    return results


@pytest.mark.soak
def test_shell_passes_a_target_that_is_as_expected(environment: dict[str, str], tmp_path: Path) -> None:
    """The script exits with 0 and writes a report and the summary of the runner."""
    completed = run_script(environment, tmp_path, "embedded", "reports", "--area", AREA)
    assert completed.returncode == 0, completed.stderr
    assert completed.stderr.endswith("as expected\n")
    assert (tmp_path / "reports" / "junit.xml").is_file()
    assert "embedded" in (tmp_path / "summary.md").read_text()


@pytest.mark.parametrize(
    ("code", "message"),
    [(0, "as expected"), (1, "--update-expectations"), (2, "invalid usage"), (3, "could not be reached"),
     (4, "surveyor sweep reports"), (5, "nothing passed or failed"), (130, "interrupted"),
     (137, "ended with code 137")],
)  # fmt: skip
def test_shell_returns_each_exit_code(environment: dict[str, str], tmp_path: Path, code: int, message: str) -> None:
    """One line says what to do; surveyor gets the target, the folder and all options."""
    substitute = tmp_path / "bin" / "surveyor"
    substitute.parent.mkdir()
    substitute.write_text(f'#!/bin/sh\necho "$@" > arguments\nexit {code}\n')
    substitute.chmod(0o755)
    path = {"PATH": f"{substitute.parent}:{os.environ['PATH']}"}
    completed = run_script(environment | path, tmp_path, "a target", "reports", "--area", "dns")
    assert completed.returncode == code
    (line,) = completed.stderr.splitlines()
    assert message in line
    assert (tmp_path / "arguments").read_text() == "conform --target a target --out reports --area dns\n"


def test_shell_reports_missing_arguments_and_a_missing_program(environment: dict[str, str], tmp_path: Path) -> None:
    """Too few arguments, and no surveyor on the path, are invalid usage."""
    assert "usage: conform.sh TARGET FOLDER" in run_script(environment, tmp_path, "embedded").stderr
    bare = tmp_path / "bare"
    bare.mkdir()
    completed = run(["/bin/sh", str(CI / "conform.sh"), "embedded", "reports"], tmp_path, {"PATH": str(bare)})
    assert completed.returncode == 2
    assert "surveyor is not on the path" in completed.stderr


@pytest.fixture(params=sorted(path.name for path in CI.glob("*-actions.yml")))
def workflow(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return each workflow, with its text under `text` and its only job under `job`."""
    text = (CI / request.param).read_text("utf-8")
    parsed: dict[str, Any] = yaml.safe_load(text)
    [job] = parsed["jobs"].values()
    return {**parsed, "text": text, "job": job}


def test_workflow_has_few_permissions_and_a_timeout(workflow: dict[str, Any]) -> None:
    """It has read access to the repository only, keeps no token, and ends after a time limit."""
    assert workflow["permissions"] == {"contents": "read"}
    assert "permissions" not in workflow["job"]
    assert 0 < workflow["job"]["timeout-minutes"] <= 60
    assert workflow["job"]["steps"][0]["with"] == {"persist-credentials": False}
    assert "secrets" not in workflow["text"].replace("no secrets", "")


def test_actions_are_pinned(workflow: dict[str, Any]) -> None:
    """Each action is pinned to a major tag or to a commit."""
    used = [step["uses"] for step in workflow["job"]["steps"] if "uses" in step]
    assert len(used) == 3
    assert [action for action in used if not re.fullmatch(r"actions/[\w-]+@(v\d+|[0-9a-f]{40})", action)] == []


def test_no_expression_is_part_of_a_command(workflow: dict[str, Any]) -> None:
    """A run step contains no expression: values that a pull request chooses only reach a shell as variables."""
    assert [step["name"] for step in workflow["job"]["steps"] if "${{" in step.get("run", "")] == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build Surveyor's wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], ROOT, os.environ)
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture
def runner(environment: dict[str, str], tmp_path: Path, wheel: Path) -> dict[str, str]:
    """Return the environment of a runner on which pip installs the wheel into a separate folder."""
    site = tmp_path / "site"
    pip = {"PIP_TARGET": str(site), "PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    paths = {"PATH": f"{site / 'bin'}:{environment['PATH']}", "PYTHONPATH": str(site)}
    return environment | pip | paths | {"SURVEYOR": str(wheel)}


@pytest.mark.soak
def test_workflow_runs_from_the_wheel(runner: dict[str, str], tmp_path: Path) -> None:
    """Installed from the wheel, without a checkout, it tests a started target and leaves a report and a summary."""
    results = run_workflow(runner, tmp_path, SURVEYOR=runner["SURVEYOR"], TARGET="embedded", OPTIONS=f"--area {AREA}")
    assert {name: result.returncode for name, result in results.items()} == {"Install": 0, "Conform": 0, "Summary": 0}
    assert (tmp_path / "site" / "surveyor" / "_bundle" / "suites").is_dir()
    assert "embedded" in (tmp_path / "summary.md").read_text()
    (upload,) = (step for step in STEPS if step.get("uses", "").startswith("actions/upload-artifact"))
    assert upload["if"] == "always()"
    assert [path for path in upload["with"]["path"].split() if not (tmp_path / path).is_file()] == []


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Return a free port for an emulator, and stop the process whose id is in `emulator.pid` afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = int(probe.getsockname()[1])
    yield number
    os.kill(int((tmp_path / "emulator.pid").read_text()), signal.SIGTERM)


@pytest.mark.soak
def test_workflow_starts_an_emulator_and_waits_for_it(runner: dict[str, str], tmp_path: Path, port: int) -> None:
    """The emulator that START leaves running is tested at its URL once it answers."""
    start = f"surveyor emulator --port {port} --clock advance > emulator.log 2>&1 & echo $! > emulator.pid"
    url = f"http://127.0.0.1:{port}"
    options = f"--area {AREA}"
    # The control endpoint, which only this emulator has, needs a token.
    settings = {"SURVEYOR": runner["SURVEYOR"], "TARGET": url, "ENDPOINT": url, "START": start, "OPTIONS": options}
    settings["SURVEYOR_TOKEN"] = "of-this-test"
    results = run_workflow(runner, tmp_path, {**JOB, "env": {**JOB["env"], **settings}})
    assert {name: result.returncode for name, result in results.items()} == {
        "Install": 0, "Start": 0, "Conform": 0, "Summary": 0
    }, results["Conform"].stderr  # fmt: skip


@pytest.mark.soak
@pytest.mark.parametrize(
    ("target", "code", "annotation"),
    [("http://127.0.0.1:9", 3, "title=No verdict"), ("no-such-target", 2, "title=Nothing was judged")],
)
def test_workflow_fails_with_an_annotation(
    environment: dict[str, str], tmp_path: Path, target: str, code: int, annotation: str
) -> None:
    """The step ends with surveyor's exit code and an annotation, and the summary is not empty."""
    results = run_workflow(
        environment | {"PIP_NO_INDEX": "1"}, tmp_path, SURVEYOR="pip", TARGET=target
    )  # a package that is installed
    assert results["Conform"].returncode == code
    assert f"::error {annotation}" in results["Conform"].stdout
    assert results["Summary"].returncode == 0
    assert (tmp_path / "summary.md").read_text() != ""


def test_the_target_file_of_the_readme_is_valid(tmp_path: Path) -> None:
    """The target file that docs/ci/README.md shows can be loaded."""
    (block,) = re.findall(r"(?:^    .*=.*\n)+", (CI / "README.md").read_text(), re.MULTILINE)
    path = tmp_path / "emulator.toml"
    path.write_text(re.sub("^    ", "", block, flags=re.MULTILINE))
    target = load_target(str(path), find_layout().targets)
    assert target.endpoint == tomllib.loads(path.read_text())["endpoint"]


@pytest.mark.soak
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "usage: gate.sh GATE.toml FOLDER SCENARIO"),
        (("gate.toml", "out", "deplay"), "did you mean 'deploy'"),
        (("gate.toml", "out", "deploy", "--", "--target", "embeded"), "did you mean 'embedded'"),
    ],
)
def test_the_gate_script_reports_invalid_arguments(
    tmp_path: Path, environment: dict[str, str], arguments: tuple[str, ...], message: str
) -> None:
    """Exit code 2 of `surveyor load` is returned, and nothing is judged."""
    completed = subprocess.run(
        ["sh", str(CI / "gate.sh"), *arguments],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert completed.returncode == 2
    assert message in completed.stderr
    assert not (tmp_path / "summary.md").exists()


PROGRAMS = {
    "make": "#!/bin/sh\n",
    "python": '#!/bin/sh\nmkdir -p newest; touch newest/botocore-9.9.9-py3-none-any.whl; echo "$@" >> python.txt\n',
    "curl": """#!/bin/sh
for last; do :; done
case $last in *missing*) exit 22;; esac
while [ "$1" != --output ]; do shift; done
mkdir -p "$(dirname "$2")"; echo "$last" > "$2"
""",
    ".venv/bin/surveyor": """#!/bin/sh
if [ "$2" = pages ]; then
    printf 'https://docs.example/a/one.html\\tA, one\\t1\\t2026-11-28\\n'
    printf 'https://docs.example/missing.html\\tA, missing\\t0\\tnot verified\\n'
    printf 'https://docs.example/a/one.html\\tA, one twice\\t1\\t2026-11-28\\n'
else
    echo "$@" > arguments
    printf 'changed\\tguide: A, one\\tx.claim\\nok\\tguide: A, two\\t\\n'
    exit CODE
fi
""",
}


@pytest.mark.parametrize(
    ("code", "annotation"),
    [(0, ""), (1, "::error title=Documents have changed"), (2, "::error title=Not compared"), (3, "ended with code 3")],
)
def test_the_drift_workflow_compares_the_newest_documents(
    tmp_path: Path, environment: dict[str, str], code: int, annotation: str
) -> None:
    """It fetches each address once, continues where a page is missing, and returns surveyor's exit code."""
    for name, text in PROGRAMS.items():
        program = tmp_path / (name if "/" in name else f"bin/{name}")
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(text.replace("CODE", str(code)))
        program.chmod(0o755)
    job = yaml.safe_load((CI / "drift-actions.yml").read_text("utf-8"))["jobs"]["drift"]
    path = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    results = run_workflow(environment | path, tmp_path, job, PAUSE="0")
    assert {name: result.returncode for name, result in results.items()} == {
        "Install": 0, "Botocore": 0, "Pages": 0, "Drift": code, "Summary": 0
    }  # fmt: skip
    assert (tmp_path / "pages" / "docs.example" / "a" / "one.html").is_file()
    assert "1 of 2 pages could not be fetched" in results["Pages"].stdout
    assert (tmp_path / "arguments").read_text() == "claims drift --against newest/unpacked --pages pages\n"
    assert annotation in results["Drift"].stdout
    assert "guide: A, one" in (tmp_path / "summary.md").read_text()
    assert "guide: A, two" not in (tmp_path / "summary.md").read_text()


AUDIT = """#!/bin/sh
output= file=
while [ $# -gt 0 ]; do
    case $1 in --output) output=$2;; --requirement) file=$2;; esac
    shift
done
[ -f "$file" ] || exit 9
case $file in VULNERABLE) echo "| found in $file |" > "$output"; exit 1;; esac
"""


@pytest.mark.parametrize(
    ("vulnerable", "code", "annotation"),
    [
        ("none", 0, ""),
        ("requirements/lock.txt", 1, "::error title=Vulnerable packages"),
        ("*moto-5.0.5.txt", 0, "::warning title=Vulnerable packages::of moto-5.0.5"),
    ],
)
def test_the_dependencies_workflow_audits_all_pins(
    tmp_path: Path, environment: dict[str, str], vulnerable: str, code: int, annotation: str
) -> None:
    """A vulnerable package of Surveyor fails the job, one of an emulator is a warning; the summary has all results."""
    for name, text in {"pip-audit": AUDIT.replace("VULNERABLE", vulnerable), "python": "#!/bin/sh\n"}.items():
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
    for folder in ("requirements", "targets/requirements"):
        (tmp_path / folder).mkdir(parents=True)
        for file in (ROOT / folder).glob("*.txt"):
            (tmp_path / folder / file.name).write_text("")
    job = yaml.safe_load((CI / "dependencies-actions.yml").read_text("utf-8"))["jobs"]["dependencies"]
    path = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    results = run_workflow(environment | path, tmp_path, job)
    assert results["Surveyor"].returncode == code
    assert annotation in results["Surveyor"].stdout + results["Emulators"].stdout
    summary = (tmp_path / "summary.md").read_text()
    files = 1 + len(list((ROOT / "targets" / "requirements").glob("*.txt")))
    assert summary.count("## ") == files
    assert summary.count("No known vulnerabilities.") + summary.count("found in ") == files
    assert ("found in " in summary) is bool(annotation)
