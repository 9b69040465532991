"""Recognise the software of a client by the programs and libraries that its processes have loaded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from surveyor.clients.runtimes import RUNTIMES, RuntimeAdvice

__all__ = ["FAMILIES", "advice_for", "loaded_families", "processes_of"]

FAMILIES: Mapping[str, tuple[str, str]] = {
    "nginx": (r"/nginx[^/\n]*$", "nginx-literal"),
    "HAProxy": (r"/haproxy$", "haproxy-plain"),
    "Envoy": (r"/envoy$", "envoy-strict"),
    "OpenJDK": (r"/libjvm\.so$", "java-http-client"),
    "gRPC": (r"/cygrpc[^/\n]*\.so$|/libgrpc[^/\n]*\.so[^/\n]*$", "grpc-pick-first"),
    "Node.js": (r"/node(js)?$", "node-fetch"),
    "aiohttp with c-ares": (r"/pycares/[^\n]*\.so$|/_cares[^/\n]*\.so$", "aiohttp-cares"),
    "aiohttp": (r"/aiohttp/[^\n]*\.so$", "aiohttp"),
    "libcurl": (r"/pycurl[^/\n]*\.so$|/libcurl[^/\n]*\.so[^/\n]*$|/curl$", "libcurl"),
    "Python": (r"/python[0-9.]*$|/libpython[^/\n]*\.so[^/\n]*$", "requests"),
}
"""Software by name: the pattern of a file that its processes have loaded, and the runtime whose advice it gets.

Libraries that are Python alone load no such file: of their clients only the interpreter is recognised.
"""


def processes_of(session: int) -> list[int]:
    """Return the processes of a session."""
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and _session_of(int(entry.name)) == session
    ]


def _session_of(process: int) -> int:
    try:
        return os.getsid(process)
    except OSError:
        return -1


def loaded_families(processes: Sequence[int]) -> Iterator[str]:
    """Yield the software that these processes have loaded."""
    for process in processes:
        text = ""
        with suppress(OSError):
            text = Path(f"/proc/{process}/maps").read_text("utf-8", "replace")
        for family, (pattern, _) in FAMILIES.items():
            if re.search(pattern, text, re.MULTILINE):
                yield family


def advice_for(trait: str, families: Sequence[str]) -> list[tuple[str, RuntimeAdvice]]:
    """Return what changes a behaviour, with the software that has that setting; if none is known to: for all."""
    known = [family for family in families if not (family == "aiohttp" and "aiohttp with c-ares" in families)]
    known = [family for family in known if family != "Python"] or known
    return _advice(trait, known) or (_advice(trait, FAMILIES) if known in ([], ["Python"]) else [])


def _advice(trait: str, families: Iterable[str]) -> list[tuple[str, RuntimeAdvice]]:
    found: dict[str, tuple[str, RuntimeAdvice]] = {}
    for family in families:
        for advice in RUNTIMES[FAMILIES[family][1]].advice:
            if advice.behaviour == trait:
                found.setdefault(advice.text, (family, advice))
    return list(found.values())
