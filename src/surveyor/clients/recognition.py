"""Recognise the software of a client by the programs and libraries that its processes have loaded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from surveyor.clients.runtimes import RUNTIMES, RuntimeAdvice

__all__ = ["ANY", "FAMILIES", "advice_for", "loaded_families", "processes_of"]

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


ANY = "any client"

_SOA = "https://docs.aws.amazon.com/cloud-map/latest/api/API_SOA.html"
_WALK = "https://www.rfc-editor.org/rfc/rfc1123#section-2.3"
_EYEBALLS = "https://www.rfc-editor.org/rfc/rfc8305"
_CLOSE = "https://www.rfc-editor.org/rfc/rfc9112#section-9.6"
_TTL = "https://www.rfc-editor.org/rfc/rfc1035#section-3.2.1"
_GENERAL = (
    RuntimeAdvice(
        "remembers-nxdomain", "lower the TTL of the zone's SOA record: DnsProperties.SOA.TTL of the namespace", _SOA
    ),
    RuntimeAdvice("no-walk", "ask for all addresses of the name, and try the next one when one refuses", _WALK),
    RuntimeAdvice("ipv6-only", "try IPv4 addresses as well when IPv6 fails, at once or after 250 ms", _EYEBALLS),
    RuntimeAdvice(
        "keeps-draining",
        "let tasks that are about to stop answer with `Connection: close`, which ends kept connections",
        _CLOSE,
    ),
    RuntimeAdvice("resolved-once", "ask for the name again when the TTL is over, and after an error", _TTL),
    RuntimeAdvice("keeps-answers", "use an answer for no longer than its TTL, and ask again after an error", _TTL),
    RuntimeAdvice("leaves-dead", "ask for the name again after an error, whatever is left of the TTL", _TTL),
    RuntimeAdvice("never-leaves-dead", "ask for the name again after an error, whatever is left of the TTL", _TTL),
    RuntimeAdvice("leaves-draining", "use an answer for no longer than its TTL, and a connection not for ever", _TTL),
)  # fmt: skip
"""What changes a behaviour in any client, for those without a setting that is known here."""

_CAUSES = {
    "leaves-dead": ("keeps-answers", "asks-after-errors"),
    "never-leaves-dead": ("resolved-once", "keeps-answers"),
    "leaves-draining": ("keeps-answers",),
}
"""Traits that follow from others, so that the settings of these change them."""


def advice_for(trait: str, families: Sequence[str]) -> list[tuple[str, RuntimeAdvice]]:
    """Return what changes a behaviour, with the software that has that setting, or else with ANY.

    Where none of the software is known, those settings of others follow.
    """
    known = [family for family in families if not (family == "aiohttp" and "aiohttp with c-ares" in families)]
    known = [family for family in known if family != "Python"] or known
    own = _advice(trait, known) or [line for cause in _CAUSES.get(trait, ()) for line in _advice(cause, known)]
    general = [] if own else [(ANY, advice) for advice in _GENERAL if advice.behaviour == trait]
    return own or [*general, *(_advice(trait, FAMILIES) if known in ([], ["Python"]) else [])]


def _advice(trait: str, families: Iterable[str]) -> list[tuple[str, RuntimeAdvice]]:
    found: dict[str, tuple[str, RuntimeAdvice]] = {}
    for family in families:
        for advice in RUNTIMES[FAMILIES[family][1]].advice:
            if advice.behaviour == trait:
                found.setdefault(advice.text, (family, advice))
    return list(found.values())
