"""HTTP clients of Python: aiohttp with two resolvers, httpx, requests."""

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
)

__all__ = ["RUNTIMES"]

_CONNECTOR = "https://docs.aiohttp.org/en/stable/client_reference.html#tcpconnector"
_RESOLVERS = "https://docs.aiohttp.org/en/stable/client_advanced.html#resolving-using-custom-nameservers"
_CARES = "https://c-ares.org/docs/ares_init_options.html"
_HTTPX = "https://www.python-httpx.org/advanced/resource-limits/"
_HTTP2 = "https://www.python-httpx.org/http2/"
_REQUESTS = "https://requests.readthedocs.io/en/latest/user/advanced/#session-objects"


def _start(client: str, found: FoundSoftware, place: RuntimePlace) -> Sequence[str]:
    return [sys.executable, str(PROGRAMS / "python_lines.py"), client, place.url]


_CACHE = DocumentedSetting("ttl_dns_cache", "10 s, whatever the TTL", _CONNECTOR)
_KEPT = RuntimeAdvice(
    "keeps-draining",
    "make a new session or client now and then, or drain tasks longer than clients keep connections",
    _REQUESTS,
)
_AIOHTTP = RuntimeAdvice("keeps-answers", "give TCPConnector ttl_dns_cache, at most the TTL of the records", _CONNECTOR)

RUNTIMES = (
    ClientRuntime(
        "aiohttp",
        "aiohttp, ThreadedResolver",
        package("aiohttp"),
        partial(_start, "aiohttp"),
        "lines",
        (_CACHE,),
        {"kill": Expected(0, 10), "gap": Expected(0, 1)},
        (_AIOHTTP, _KEPT),
        mends="aiohttp-cares",
        model="dns-10",
    ),
    ClientRuntime(
        "aiohttp-cares",
        "aiohttp, AsyncResolver (c-ares), its default where aiodns is installed",
        package("aiohttp", "aiodns", "pycares"),
        partial(_start, "aiohttp-cares"),
        "lines",
        (
            _CACHE,
            DocumentedSetting("AsyncResolver", "the default if aiodns is installed", _RESOLVERS),
            DocumentedSetting(
                "qcache_max_ttl", "answers, also negative ones, are cached for their TTL up to 3,600 s", _CARES
            ),
        ),
        {"kill": Expected(0, 10, ttls=1), "gap": Expected(0, 60)},
        (
            RuntimeAdvice(
                "remembers-nxdomain",
                "pass `resolver=aiohttp.ThreadedResolver()` to TCPConnector, or lower the TTL "
                "of the zone's SOA record (Cloud Map: DnsProperties.SOA.TTL of the namespace)",
                _RESOLVERS,
            ),
            _AIOHTTP,
            _KEPT,
        ),
        model="dns-negative",
    ),
    ClientRuntime(
        "httpx",
        "httpx, one Client",
        package("httpx"),
        partial(_start, "httpx"),
        "lines",
        (DocumentedSetting("keepalive_expiry", "an idle connection is closed after 5 s", _HTTPX),),
        {"kill": Expected(0, 1), "gap": Expected(0, 1)},
        (_KEPT,),
        model="dns-pool",
    ),
    ClientRuntime(
        "httpx-http2",
        "httpx, HTTP/2 on one connection",
        package("httpx", "h2"),
        partial(_start, "httpx-http2"),
        "lines",
        (DocumentedSetting("http2=True", "all requests to a server share one connection", _HTTP2),),
        {"kill": Expected(0, 1), "gap": Expected(0, 1)},
        (_KEPT,),
        model="dns-http2",
    ),
    ClientRuntime(
        "requests",
        "requests, one Session",
        package("requests"),
        partial(_start, "requests"),
        "lines",
        (DocumentedSetting("Session", "the connection is kept, and used again", _REQUESTS),),
        {"kill": Expected(0, 1), "gap": Expected(0, 1)},
        (_KEPT,),
        model="dns-pool",
    ),
)
