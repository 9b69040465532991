"""Start the servers to compare, each as its users start it, on a free port."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.calls import Account
from surveyor import __version__
from surveyor.layout import find_layout
from surveyor.targets import Environment, load_target
from surveyor.targets.environments import create_environment

__all__ = ["SERVERS", "Server", "ServerSpec", "cpu_seconds", "find_python", "memory", "run_server"]

START_TIMEOUT = 30.0  # wall seconds


@dataclass(frozen=True, slots=True, eq=False)
class ServerSpec:
    """A server and its start command, in which ``{port}`` and ``{scratch}`` are placeholders.

    ``environment`` has its packages, if they are not in the environment of Surveyor.
    """

    name: str
    version: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    environment: Environment | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. ``ready`` is the wall seconds from its start to its first answered call."""

    account: Account
    pid: int
    ready: float


def _emulator(name: str) -> ServerSpec:
    """Return the newest pinned version of an emulator, started as its target file has it."""
    target = load_target(name, find_layout().targets)
    assert target.start is not None, f"{name} is started by Surveyor"
    _, *arguments = target.start.argv  # the first word is the Python
    return ServerSpec(name, target.version(), tuple(arguments), target.start.env, target.environment)


SERVERS = (
    ServerSpec(
        "embedded",
        __version__,
        # Quotas of requests and instances would end a load test; all other settings are the defaults.
        (
            *("-m", "surveyor_emulator", "--port", "{port}", "--dns-port", "0", "--no-throttle"),
            *("--set", "quotas.instances_per_service=1000000", "--set", "quotas.instances_per_namespace=1000000"),
        ),
    ),
    _emulator("moto"),
    _emulator("ministack"),
)


@contextlib.contextmanager
def run_server(spec: ServerSpec, *arguments: str) -> Iterator[Server]:
    """Start the server with further ``arguments``, wait until it answers, and stop it at the end."""
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="surveyor-bench-") as scratch:
        values = {"port": str(port), "scratch": scratch}
        argv = [find_python(spec), *(part.format(**values) for part in spec.argv), *arguments]
        env = {**os.environ, **{name: value.format(**values) for name, value in spec.env.items()}}
        log = Path(scratch) / "log"
        began = time.perf_counter()
        with log.open("wb") as output:
            process = subprocess.Popen(argv, stdout=output, stderr=subprocess.STDOUT, env=env, start_new_session=True)
        try:
            account = Account("127.0.0.1", port)
            _wait_until_ready(process, account, log)
            yield Server(account, process.pid, time.perf_counter() - began)
        finally:
            _stop(process)


def find_python(spec: ServerSpec) -> str:
    """Return the Python that runs a server, after creating its environment if there is none yet."""
    return str(create_environment(spec.environment)) if spec.environment else sys.executable


def memory(pid: int) -> float:
    """Return the resident memory of a process and its children in MB."""
    return sum(_resident_memory(member) for member in _process_tree(pid)) / 1024


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and its living children in seconds."""
    ticks = 0
    for member in _process_tree(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _resident_memory(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def _process_tree(pid: int) -> list[int]:
    members = [pid]
    for member in members:  # the list grows while it is read
        children = Path(f"/proc/{member}/task/{member}/children")
        members += [int(child) for child in children.read_text().split()] if children.exists() else []
    return members


def _wait_until_ready(process: subprocess.Popen[bytes], account: Account, log: Path) -> None:
    """Wait until a call is answered with 200, without pauses between the tries: the start-up time is measured."""
    request = account.sign("ListNamespaces", {})
    deadline = time.perf_counter() + START_TIMEOUT
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"a server ended during its start: {log.read_text(errors='replace')[-400:]}")
        try:
            with socket.create_connection((account.host, account.port), timeout=5) as connection:
                connection.sendall(request)
                if b" 200 " in connection.recv(4096):
                    return
        except OSError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.002)
    raise SystemExit(f"a server did not answer within {START_TIMEOUT:.0f} s: {log.read_text(errors='replace')[-400:]}")


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
