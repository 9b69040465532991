"""Node.js: fetch, and http with its default agent."""

from __future__ import annotations

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
    program,
)

__all__ = ["RUNTIMES"]

_LOOKUP = "https://nodejs.org/api/dns.html#dnslookuphostname-options-callback"
_AGENT = "https://nodejs.org/api/http.html#class-httpagent"


def _start(client: str, found: FoundSoftware, place: RuntimePlace) -> Sequence[str]:
    return [found.path, str(PROGRAMS / "lines.mjs"), client, place.url]


_node = program("node", ("--version",), "apt install nodejs, version 20 or newer", at_least=(20,))
_DOCUMENTED = (
    DocumentedSetting("dns.lookup", "asks the system's resolver each time; nothing is cached", _LOOKUP),
    DocumentedSetting("http.Agent keepAlive", "true since Node.js 19: connections are kept", _AGENT),
)
_ADVICE = (
    RuntimeAdvice(
        "keeps-draining",
        "end connections now and then: an Agent that is replaced, or undici's `clientTtl`; or drain "
        "tasks longer than their clients keep connections",
        _AGENT,
    ),
)

RUNTIMES = tuple(
    ClientRuntime(
        f"node-{client}",
        title,
        _node,
        partial(_start, client),
        "lines",
        _DOCUMENTED,
        {"kill": Expected(0, 1), "gap": Expected(0, 1)},
        _ADVICE,
        model="dns-pool",
    )
    for client, title in (("fetch", "Node.js, fetch"), ("http", "Node.js, http with its default agent"))
)
