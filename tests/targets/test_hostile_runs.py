"""Whole programs against broken and hostile targets: how they end, what they say, the time and the memory they take.

FULL=1 runs all kinds of targets with all programs, which takes an hour.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.targets.hostile_target import KINDS, PROPER, serve

pytestmark = pytest.mark.soak

PROGRAM = """
import atexit, resource, sys
from pathlib import Path
from surveyor import timeouts
timeouts.LOCAL_ANSWER = timeouts.PROBE_ANSWER = 2.0

def note_peak():
    own = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    Path("peak").write_text(str(max(int(own.split()[1]), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)))

atexit.register(note_peak)
from surveyor.cli import main
sys.exit(main())
"""
"""The command line with shorter limits for an answer. It notes its peak of memory itself, in KiB.

The figure that the parent gets from the kernel includes the memory of the parent at the fork.
"""

MAX_MEGABYTES = 300
MAX_SECONDS = 900  # on a busy machine; a quiet one needs a tenth

AREAS = ("--area", "namespaces", "--area", "services", "--area", "listing")

TARGET = """
endpoint = "http://{address}"
dns = "{address}"  # no server answers there by UDP
features = ["route53", "ec2", "ecs", "ecs-processes", "dns", "public-dns"]
"""

GATE = """
[[threshold]]
claim = "listing.namespace-filters"
"""

COMMANDS = {
    "conform": ("conform", *AREAS, "--out", "out"),
    "survey": ("survey", "--out", "out"),
    "chaos": ("chaos", "any-fault", "--service", "cluster/service", "--out", "out"),
    "load": ("load", "lose-one", "--out", "out"),
    "advise": ("advise", "--out", "out"),
    "audit": ("audit", "--cluster", "cluster"),
    "recordings": ("recordings", "check", "--area", "cloud-map", "--out", "out"),
    "model": ("model", "--out", "out"),
    "gate": ("gate", "gate.toml", "passed", "--ecs", "cluster/service"),
}
FEW = ("drip of headers", "chunks without end", "null", "wrong types", "reset", "pages without end")

RUNS = [("conform", kind) for kind in KINDS if kind != PROPER]
RUNS += [(command, kind) for command in COMMANDS if command not in ("conform", "survey") for kind in FEW]
RUNS += [("survey", kind) for kind in ("drip of headers", "reset")]
if not os.environ.get("FULL"):
    RUNS = [
        ("conform", "drip of headers"),
        ("conform", "null"),
        ("load", "reset"),
        ("audit", "null"),
        ("model", "reset"),
    ]


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run in which a claim passed: the gate is open."""
    folder = tmp_path_factory.mktemp("passed") / "run"
    line = [sys.executable, "-m", "surveyor", "conform", "--claim", "listing.namespace-filters", "--out", str(folder)]
    subprocess.run(line, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize(("command", "kind"), RUNS)
def test_a_program_ends_in_time_without_success_and_says_why(
    tmp_path: Path, passed: Path, command: str, kind: str
) -> None:
    """The exit code is no success, the last line says what is wrong, and the limits hold."""
    (tmp_path / "gate.toml").write_text(GATE)
    (tmp_path / "passed").symlink_to(passed)
    output = tmp_path / "output"
    with serve(kind) as target, output.open("w") as file:
        (tmp_path / "hostile.toml").write_text(TARGET.format(address=target.url.removeprefix("http://")))
        url = target.url if command in ("conform", "survey", "recordings", "model") else "hostile.toml"
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *COMMANDS[command], "--target", url],
            cwd=tmp_path, stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip
        process.wait()
    text = output.read_text()
    assert process.returncode in (1, 3, 5), text[-2_000:]
    assert time.monotonic() - started < MAX_SECONDS
    assert int((tmp_path / "peak").read_text()) / 1024 < MAX_MEGABYTES
    assert "Traceback" not in text
    assert "was not foreseen" not in text
    last = text.strip().splitlines()[-1]
    assert last.startswith("surveyor: ") or "diverges" in last
