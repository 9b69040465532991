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


def _start_handle(found: FoundSoftware, place: RuntimePlace) -> Sequence[str]:
    """Return the command of a handle that asks for IPv4 addresses only, where the name has no others.

    Otherwise libcurl 8.23 keeps an answer or does not, by chance: it connects 25 ms after it has the IPv4
    addresses, and if the transfer is over before the answer for IPv6 comes, nothing gets into its cache.
    """
    return _start("pycurl" if place.asks_ipv6 else "pycurl-ipv4", found, place)


RUNTIMES = (
    ClientRuntime(
        "libcurl",
        "libcurl by pycurl, one handle, IPv4 only",
        package("pycurl"),
        _start_handle,
        "lines",
        (
            DocumentedSetting("CURLOPT_DNS_CACHE_TIMEOUT", "60 s, whatever the TTL", _CACHE),
            DocumentedSetting("failures", "kept for half of that time since 8.16", _CACHE),
        ),
        # A name that is back is called again once the answer of before has expired: a failure is kept for 30 s only.
        {"kill": Expected(0, 60), "gap": Expected(0, 60)},
        (
            RuntimeAdvice(
                "keeps-answers", "set CURLOPT_DNS_CACHE_TIMEOUT to the TTL of the records; 0 keeps nothing", _CACHE
            ),
            RuntimeAdvice(
                "remembers-nxdomain", "set CURLOPT_DNS_CACHE_TIMEOUT: failures are kept for half of that time", _CACHE
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
