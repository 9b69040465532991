"""curl: the library with one handle, and the program, a process for each call."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

from surveyor.clients.runtimes.model import (
    PROGRAMS,
    ClientRuntime,
    DocumentedSetting,
    Expected,
    FoundSoftware,
    RuntimeAdvice,
    RuntimePlace,
    package,
    program,
)

__all__ = ["RUNTIMES"]

_CACHE = "https://curl.se/libcurl/c/CURLOPT_DNS_CACHE_TIMEOUT.html"


def _start(client: str, found: FoundSoftware, place: RuntimePlace) -> Sequence[str]:
    return [sys.executable, str(PROGRAMS / "python_lines.py"), client, place.url]


RUNTIMES = (
    ClientRuntime(
        "libcurl",
        "libcurl by pycurl, one handle",
        package("pycurl"),
        partial(_start, "pycurl"),
        "lines",
        (
            DocumentedSetting("CURLOPT_DNS_CACHE_TIMEOUT", "60 s, whatever the TTL", _CACHE),
            DocumentedSetting("failures", "kept for half of that time since 8.16", _CACHE),
        ),
        {"kill": Expected(0, 60), "gap": Expected(0, 30)},
        (
            RuntimeAdvice(
                "keeps-answers", "set CURLOPT_DNS_CACHE_TIMEOUT to the TTL of the records; 0 keeps nothing", _CACHE
            ),
        ),
        model="dns-60",
    ),
    ClientRuntime(
        "curl",
        "curl, a process for each call",
        program("curl", ("--version",), "apt install curl"),
        partial(_start, "curl"),
        "lines",
        (DocumentedSetting("cache", "one of the process, which ends after the call", _CACHE),),
        {"kill": Expected(0, 1), "gap": Expected(0, 1), "drain": Expected(0, 1)},
        model="curl",
    ),
)
