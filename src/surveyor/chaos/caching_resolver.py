"""A caching resolver between callers and the resolver of their VPC: dnsmasq, or unbound that serves expired answers.

Fargate has no DNS cache, so that people run one beside their programs (aws/containers-roadmap#1123). It counts wall
seconds, and knows nothing of a clock that runs faster: the longest time for which it keeps an answer is set to the
records' TTL at the speed of the experiment, at least a second.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from surveyor.errors import FeatureLacking, TargetUnavailable
from surveyor.targets import parent_death
from surveyor.targets.scratch import Scratch

__all__ = ["CacheProgram", "run_cache"]

CacheProgram = Literal["", "dnsmasq", "unbound"]

_PLACES = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"
"""Where these programs are beside those of PATH."""

_READY_WITHIN = 20.0
"""Wall seconds."""

_STALE_AFTER = 300
"""Wall milliseconds after which unbound answers with what has expired (serve-expired-client-timeout)."""

_HOST = "127.0.0.1"
Address = tuple[str, int]


@contextmanager
def run_cache(program: CacheProgram, upstream: Address, max_ttl: float) -> Iterator[Address]:
    """Run a cache that asks `upstream` and keeps answers for `max_ttl` wall seconds; yield its address.

    Raises FeatureLacking if the program is not installed, TargetUnavailable if it does not start.
    """
    path = shutil.which(program) or shutil.which(program, path=_PLACES)
    if path is None:
        raise FeatureLacking(f"it needs {program}, which is not installed here (Debian: apt install {program})")
    scratch = Scratch("resolver")
    process = None
    try:
        port, seconds = _free_port(), max(1, round(max_ttl))
        command = _dnsmasq(path, port, upstream, seconds)
        if program == "unbound":
            command = _unbound(path, port, upstream, seconds, scratch.path)
        process = _start(command, scratch.path)
        _wait_until_listening(program, process, port, scratch.path)
        yield _HOST, port
    finally:
        if process is not None:
            process.kill()
            process.wait()
        scratch.delete()


def _dnsmasq(path: str, port: int, upstream: Address, seconds: int) -> list[str]:
    return [
        path, "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", f"--listen-address={_HOST}",
        "--bind-interfaces", f"--port={port}", "--user=", "--group=", "--pid-file=", f"--max-cache-ttl={seconds}",
        f"--max-ttl={seconds}", f"--neg-ttl={seconds}", f"--server={upstream[0]}#{upstream[1]}",
    ]  # fmt: skip


def _unbound(path: str, port: int, upstream: Address, seconds: int, folder: Path) -> list[str]:
    file = folder / "unbound.conf"
    lines = [
        "server:", f"interface: {_HOST}", f"port: {port}", "do-daemonize: no", 'username: ""', 'chroot: ""',
        f'directory: "{folder}"', f'pidfile: "{folder}/pid"', "use-syslog: no", "do-not-query-localhost: no",
        'module-config: "iterator"', 'local-zone: "test." nodefault', "num-threads: 1", f"cache-max-ttl: {seconds}",
        f"cache-max-negative-ttl: {seconds}", "serve-expired: yes", f"serve-expired-client-timeout: {_STALE_AFTER}",
        "serve-expired-reply-ttl: 1", "infra-host-ttl: 1", "infra-keep-probing: yes",
        "forward-zone:", 'name: "."', f"forward-addr: {upstream[0]}@{upstream[1]}",
        "remote-control:", "control-enable: no",
    ]  # fmt: skip
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return [path, "-d", "-c", str(file)]


def _start(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    launch = [sys.executable, "-I", "-S", str(parent_death.__file__), str(os.getpid())]
    with (folder / "output").open("wb") as output:
        return subprocess.Popen(
            [*launch, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": "/"}, process_group=0,
        )  # fmt: skip


def _wait_until_listening(program: str, process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    pause, deadline = threading.Event(), time.monotonic() + _READY_WITHIN
    while True:
        with suppress(OSError):
            socket.create_connection((_HOST, port), timeout=0.2).close()
            return
        if process.poll() is not None or time.monotonic() > deadline:
            output = (folder / "output").read_text("utf-8", "replace").strip()[-300:]
            raise TargetUnavailable(
                f"expected {program} to listen within {_READY_WITHIN:g} s; its output is {output!r}"
            )
        pause.wait(0.02)


def _free_port() -> int:
    with socket.socket() as place:
        place.bind((_HOST, 0))
        return int(place.getsockname()[1])
