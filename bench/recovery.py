"""Kill the process of an experiment during each fault: the time until the fault is undone and nothing is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.registry import Measurement
from bench.servers import Server, ServerSpec, run_server
from surveyor.chaos.faults import FAULTS
from surveyor.chaos.undo_log import open_entries
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.sweep import existing_resources

__all__ = ["CLEANED_UP", "UNDONE", "measure"]

ACCOUNT = "000000000000"
TIMEOUT, POLL_INTERVAL = 60.0, 0.02  # wall seconds
EXCLUDED = ("share.", "permission.")
"""Prefixes of faults that need other callers than those of any-fault."""
UNDONE = "kill -9 until the fault is undone, slowest fault"
CLEANED_UP = "kill -9 until nothing is left, slowest fault"


def measure(spec: ServerSpec, print_progress: Callable[[str], None]) -> Iterator[Measurement]:
    """Measure all faults, each on a separate service, and return the slowest."""
    max_undone, max_cleaned_up = 0.0, 0.0
    with run_server(spec, "--clock", "flow", "--scale", "10") as server:
        for fault in FAULTS:
            if fault.startswith(EXCLUDED):
                continue
            undone, cleaned_up = _kill_during(server, fault)
            print_progress(f"{fault}: undone after {undone:.1f} s, nothing left after {cleaned_up:.1f} s")
            max_undone, max_cleaned_up = max(max_undone, undone), max(max_cleaned_up, cleaned_up)
    yield Measurement(UNDONE, spec.name, max_undone, "s")
    yield Measurement(CLEANED_UP, spec.name, max_cleaned_up, "s")


def _kill_during(server: Server, fault: str) -> tuple[float, float]:
    """Return the wall seconds from the kill until the fault is undone, and until nothing is left."""
    with tempfile.TemporaryDirectory(prefix="surveyor-bench-") as scratch:
        folder = Path(scratch)
        out = folder / "out"
        target = str(_write_target_file(folder, server))
        options = ["--target", target, "--account", ACCOUNT, "--out", str(out), "--duration", "3000"]
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "surveyor"}
        command = [sys.executable, "-m", "surveyor", "chaos", "any-fault", "--fault", fault, *options]
        with (folder / "log").open("w", encoding="utf-8") as log:
            runner = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait_until(lambda: _is_active(out), f"{fault} to be active")
        finally:
            os.kill(runner.pid, signal.SIGKILL)
            runner.wait()
        began = time.monotonic()
        undo_logs = list((out / "histories").glob("undo-*.jsonl"))
        _wait_until(lambda: not any(open_entries(path) for path in undo_logs), f"{fault} to be undone")
        undone = time.monotonic() - began
        _wait_until(lambda: not existing_resources(out), f"nothing to be left of {fault}")
        return undone, time.monotonic() - began


def _write_target_file(folder: Path, server: Server) -> Path:
    """Write a target file for the server, with the features of the embedded target."""
    features = load_target("embedded", find_layout().targets).features or frozenset()
    endpoint = f"http://{server.account.host}:{server.account.port}"
    path = folder / "flowing.toml"
    declared = json.dumps(sorted(features - {"clock-control", "health"}))
    path.write_text(
        f'endpoint = "{endpoint}"\nregions = ["us-east-1"]\nclock = "control"\ndns = "control"\nfeatures = {declared}\n'
        '[credentials]\nkind = "environment"\n',
        "utf-8",
    )
    return path


def _is_active(out: Path) -> bool:
    """Return whether the history shows a fault that has begun."""
    path = out / "histories" / "any-fault.jsonl"
    lines = path.read_text("utf-8").splitlines(keepends=True) if path.is_file() else []
    events = [json.loads(line) for line in lines if line.endswith("\n")]
    begun = {event["n"] for event in events if event.get("what") == "fault"}
    return any(event.get("of") in begun and event["type"] == "ok" for event in events)


def _wait_until(condition: Callable[[], bool], description: str) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"expected {description} within {TIMEOUT:.0f} s")
        threading.Event().wait(POLL_INTERVAL)
