"""Who runs an experiment is killed in the middle of each fault: how long until it is undone and nothing is left."""

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

from bench.registry import Row
from bench.servers import Contestant, Server, started
from surveyor.chaos.faults import FAULTS
from surveyor.chaos.undo_log import open_entries
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.sweep import standing_in

__all__ = ["LEFT", "UNDONE", "measure"]

ACCOUNT = "000000000000"
PATIENCE, LOOK = 60.0, 0.02  # wall seconds
ELSEWHERE = ("share.", "permission.")
"""Faults that need other callers than any-fault has."""
UNDONE = "undone after kill -9, the slowest fault"
LEFT = "nothing left after kill -9, the slowest fault"


def measure(contestant: Contestant, tell: Callable[[str], None]) -> Iterator[Row]:
    """The slowest of all faults, each on a service of its own."""
    undone, left = 0.0, 0.0
    with started(contestant, "--clock", "flow", "--scale", "10") as server:
        for fault in FAULTS:
            if fault.startswith(ELSEWHERE):
                continue
            one, two = _killed(server, fault)
            tell(f"{fault}: undone after {one:.1f} s, nothing left after {two:.1f} s")
            undone, left = max(undone, one), max(left, two)
    yield Row(UNDONE, contestant.name, undone, "s")
    yield Row(LEFT, contestant.name, left, "s")


def _killed(server: Server, fault: str) -> tuple[float, float]:
    """Wall seconds from the kill."""
    with tempfile.TemporaryDirectory(prefix="surveyor-bench-") as scratch:
        folder = Path(scratch)
        out = folder / "out"
        words = ["--target", str(_target(folder, server)), "--account", ACCOUNT, "--out", str(out), "--lasts", "3000"]
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "surveyor"}
        command = [sys.executable, "-m", "surveyor", "chaos", "any-fault", "--fault", fault, *words]
        with (folder / "log").open("w", encoding="utf-8") as log:
            runner = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            _until(lambda: _is_on(out), f"{fault} to be on")
        finally:
            os.kill(runner.pid, signal.SIGKILL)
            runner.wait()
        began = time.monotonic()
        journals = list((out / "histories").glob("undo-*.jsonl"))
        _until(lambda: not any(open_entries(path) for path in journals), f"{fault} to be undone")
        undone = time.monotonic() - began
        _until(lambda: not standing_in(out), f"nothing to be left of {fault}")
        return undone, time.monotonic() - began


def _target(folder: Path, server: Server) -> Path:
    """A target's file for the server, with everything that the embedded target has."""
    features = load_target("embedded", find_layout().targets).features or frozenset()
    endpoint = f"http://{server.account.host}:{server.account.port}"
    path = folder / "flowing.toml"
    known = json.dumps(sorted(features - {"clock-control", "health"}))
    path.write_text(
        f'endpoint = "{endpoint}"\nregions = ["us-east-1"]\nclock = "control"\ndns = "control"\nfeatures = {known}\n'
        '[credentials]\nkind = "environment"\n',
        "utf-8",
    )
    return path


def _is_on(out: Path) -> bool:
    path = out / "histories" / "any-fault.jsonl"
    lines = path.read_text("utf-8").splitlines(keepends=True) if path.is_file() else []
    events = [json.loads(line) for line in lines if line.endswith("\n")]
    begun = {one["n"] for one in events if one.get("what") == "fault"}
    return any(one.get("of") in begun and one["type"] == "ok" for one in events)


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"expected {what} within {PATIENCE:.0f} s")
        threading.Event().wait(LOOK)
