"""A caching resolver between callers and the resolver of their VPC: dnsmasq, or unbound that serves expired answers.

Fargate has no DNS cache, so that people run one beside their programs (aws/containers-roadmap#1123). It counts wall
seconds, and knows nothing of a clock that runs faster: the longest time for which it keeps an answer is set to the
records' TTL at the speed of the experiment, at least a second.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from surveyor import timeouts
from surveyor.chaos.program import run_program
from surveyor.errors import FeatureLacking
from surveyor.targets.scratch import Scratch

__all__ = ["CacheProgram", "run_cache"]

CacheProgram = Literal["", "dnsmasq", "unbound"]

_PLACES = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"
"""Where these programs are beside those of PATH."""

_STALE_AFTER, _STALE_TTL = 1.8, 30
"""Service seconds after which unbound answers with what has expired, and the TTL of that answer: as RFC 8767 recommends
(serve-expired-client-timeout, serve-expired-reply-ttl)."""

_HOST = "127.0.0.1"
Address = tuple[str, int]


@contextmanager
def run_cache(
    program: CacheProgram,
    upstream: Address,
    max_ttl: float,
    *,
    scale: float = 1.0,
    listen: Address | None = None,
    source: str = "",
) -> Iterator[Address]:
    """Run a cache that asks `upstream` and keeps answers for `max_ttl` wall seconds; yield its address.

    `scale`: service seconds per wall second, for how long unbound waits before it answers with what has expired.
    `listen`: that address, a free port of 127.0.0.1 without; `source`: the address from which dnsmasq asks. "No such
    name" is kept for the time that the zone says, or for `max_ttl` if it says none.

    Raises FeatureLacking if the program is not installed, TargetUnavailable if it does not start.
    """
    path = shutil.which(program) or shutil.which(program, path=_PLACES)
    if path is None:
        raise FeatureLacking(f"it needs {program}, which is not installed here (Debian: apt install {program})")
    scratch = Scratch("resolver")
    try:
        address, seconds = listen or (_HOST, _free_port()), max(1, round(max_ttl))
        command = _dnsmasq(path, address, upstream, seconds, source)
        if program == "unbound":
            command = _unbound(path, address, upstream, seconds, _STALE_AFTER / scale, scratch.path)
        with run_program(program, command, scratch.path, lambda: _listening_at(address)) as found:
            yield found
    finally:
        scratch.delete()


def _dnsmasq(path: str, address: Address, upstream: Address, seconds: int, source: str) -> list[str]:
    server = f"{upstream[0]}#{upstream[1]}{f'@{source}' if source else ''}"
    return [
        path, "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
        f"--listen-address={address[0]}", "--bind-interfaces", f"--port={address[1]}", "--user=", "--group=",
        "--pid-file=", f"--max-cache-ttl={seconds}", f"--max-ttl={seconds}", f"--neg-ttl={seconds}",
        f"--server={server}",
    ]  # fmt: skip


def _unbound(path: str, address: Address, upstream: Address, seconds: int, patience: float, folder: Path) -> list[str]:
    file = folder / "unbound.conf"
    lines = [
        "server:", f"interface: {address[0]}", f"port: {address[1]}", "do-daemonize: no", 'username: ""', 'chroot: ""',
        f'directory: "{folder}"', f'pidfile: "{folder}/pid"', "use-syslog: no", "do-not-query-localhost: no",
        'module-config: "iterator"', 'local-zone: "test." nodefault', "num-threads: 1", f"cache-max-ttl: {seconds}",
        f"cache-max-negative-ttl: {seconds}", "serve-expired: yes",
        f"serve-expired-client-timeout: {round(1_000 * patience)}",
        f"serve-expired-reply-ttl: {_STALE_TTL}", "infra-host-ttl: 1", "infra-keep-probing: yes",
        "forward-zone:", 'name: "."', f"forward-addr: {upstream[0]}@{upstream[1]}",
        "remote-control:", "control-enable: no",
    ]  # fmt: skip
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return [path, "-d", "-c", str(file)]


def _listening_at(address: Address) -> Address | None:
    """Return the address of the cache once it accepts connections, None before."""
    with suppress(OSError):
        socket.create_connection(address, timeout=timeouts.PROBE_ANSWER).close()
        return address
    return None


def _free_port() -> int:
    with socket.socket() as place:
        place.bind((_HOST, 0))
        return int(place.getsockname()[1])
