"""Real caching resolvers on this machine, as a network on premises has them: dnsmasq and unbound."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode

from surveyor.clock import WallClock

__all__ = ["ask_forwarder", "dnsmasq", "find_program", "unbound"]

_PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
_START = 10.0  # wall seconds
_ANSWER = 6.0


def find_program(name: str) -> str | None:
    """Return the path of a program, which may be among those of the administrator."""
    return shutil.which(name) or shutil.which(name, path=_PATH)


@contextmanager
def dnsmasq(domain: str, server: tuple[str, int], *options: str) -> Iterator[int]:
    """Run dnsmasq, which forwards a domain to a server, and yield its port."""
    port = _free_port()
    words = [
        str(find_program("dnsmasq")), "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
        "--listen-address=127.0.0.1", "--bind-interfaces", f"--port={port}", "--user=", "--group=", "--pid-file=",
        f"--server=/{domain}/{server[0]}#{server[1]}", *options,
    ]  # fmt: skip
    with _running(words, port):
        yield port


@contextmanager
def unbound(domain: str, server: tuple[str, int], folder: Path, *options: str) -> Iterator[int]:
    """Run unbound, which forwards a domain to a server, and yield its port."""
    port, file = _free_port(), folder / "unbound.conf"
    lines = [
        "server:", "interface: 127.0.0.1", f"port: {port}", "do-daemonize: no", 'username: ""', 'chroot: ""',
        f'directory: "{folder}"', f'pidfile: "{folder}/pid"', "use-syslog: no", "do-not-query-localhost: no",
        'module-config: "iterator"', 'local-zone: "test." nodefault', "num-threads: 1", *options,
        "forward-zone:", f'name: "{domain}"', f"forward-addr: {server[0]}@{server[1]}",
        "remote-control:", "control-enable: no",
    ]  # fmt: skip
    file.write_text("\n".join(lines) + "\n", "utf-8")
    with _running([str(find_program("unbound")), "-d", "-c", str(file)], port):
        yield port


def ask_forwarder(name: str, port: int) -> tuple[str, list[str]]:
    """Return the response code of a forwarder for an A record, and the addresses; SILENT if it does not answer."""
    try:
        answer = dns.query.udp(dns.message.make_query(name, "A"), "127.0.0.1", port=port, timeout=_ANSWER)
    except dns.exception.Timeout:
        return "SILENT", []
    return dns.rcode.to_text(answer.rcode()), sorted(str(item) for rrset in answer.answer for item in rrset)


@contextmanager
def _running(words: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _wait_for(process, port)
        yield
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until the program answers over TCP at the port. Raises AssertionError if it ends or takes too long."""
    until = time.monotonic() + _START
    while time.monotonic() < until:
        if process.poll() is not None:
            assert process.stderr is not None
            raise AssertionError(process.stderr.read().decode())
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
        except OSError:
            WallClock().wait(0.05)
            continue
        return
    raise AssertionError(f"nothing listens at port {port}")


def _free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])
