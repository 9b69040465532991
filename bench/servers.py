"""The servers side by side: each started as its users start it, on a free port, and stopped by its process id."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.calls import Account

__all__ = ["CONTESTANTS", "Contestant", "Server", "cpu_seconds", "memory", "started", "version"]

READY_WITHIN = 30.0  # wall seconds


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server and how it is started. ``{port}`` and ``{scratch}`` are filled in."""

    name: str
    package: str
    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs. ``ready`` is wall seconds from its start to its first answered call."""

    account: Account
    pid: int
    ready: float


CONTESTANTS = (
    Contestant(
        "embedded",
        "surveyor",
        # Quotas of requests and instances would end a load test; everything else is as it comes.
        (
            *("-m", "surveyor_emulator", "--port", "{port}", "--dns-port", "0", "--no-throttle"),
            *("--set", "quotas.instances_per_service=1000000", "--set", "quotas.instances_per_namespace=1000000"),
        ),
    ),
    Contestant("moto", "moto", ("-m", "moto.server", "-H", "127.0.0.1", "-p", "{port}")),
    Contestant(
        "ministack",
        "ministack",
        ("-m", "ministack"),
        {
            "GATEWAY_PORT": "{port}",
            "BIND_HOST": "127.0.0.1",
            "TMPDIR": "{scratch}",
            "STATE_DIR": "{scratch}/state",
            "S3_DATA_DIR": "{scratch}/s3",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        },
    ),
)


@contextlib.contextmanager
def started(contestant: Contestant, *more: str) -> Iterator[Server]:
    """The server, ready to answer; stopped on every way out. ``more`` are further arguments."""
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="surveyor-bench-") as scratch:
        fill = {"port": str(port), "scratch": scratch}
        argv = [sys.executable, *(part.format(**fill) for part in contestant.argv), *more]
        env = {**os.environ, **{name: value.format(**fill) for name, value in contestant.env.items()}}
        log = Path(scratch) / "log"
        began = time.perf_counter()
        with log.open("wb") as output:
            process = subprocess.Popen(argv, stdout=output, stderr=subprocess.STDOUT, env=env, start_new_session=True)
        try:
            account = Account("127.0.0.1", port)
            _wait(process, account, log)
            yield Server(account, process.pid, time.perf_counter() - began)
        finally:
            _stop(process)


def version(contestant: Contestant) -> str:
    """The installed version of a contestant."""
    return importlib.metadata.version(contestant.package)


def memory(pid: int) -> float:
    """Resident memory of a process and its children, MB."""
    return sum(_resident(one) for one in _family(pid)) / 1024


def cpu_seconds(pid: int) -> float:
    """Processor time that a process and its living children have used."""
    ticks = 0
    for one in _family(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        children = Path(f"/proc/{one}/task/{one}/children")
        found += [int(child) for child in children.read_text().split()] if children.exists() else []
    return found


def _wait(process: subprocess.Popen[bytes], account: Account, log: Path) -> None:
    """Until the first call is answered with 200; tried on without a pause, since the start-up is what is measured."""
    request = account.signed("ListNamespaces", {})
    deadline = time.perf_counter() + READY_WITHIN
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"a server ended at its start: {log.read_text(errors='replace')[-400:]}")
        try:
            with socket.create_connection((account.host, account.port), timeout=5) as connection:
                connection.sendall(request)
                if b" 200 " in connection.recv(4096):
                    return
        except OSError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.002)
    raise SystemExit(f"a server did not answer within {READY_WITHIN:.0f} s: {log.read_text(errors='replace')[-400:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
