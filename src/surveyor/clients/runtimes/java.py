"""OpenJDK: java.net.http and HttpURLConnection, as the JVM caches names and as it does with a lower limit."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial

from surveyor.clients.runtimes.model import (
    PROGRAMS,
    ClientRuntime,
    DocumentedSetting,
    Expected,
    FoundSoftware,
    MissingSoftware,
    RuntimeAdvice,
    RuntimePlace,
    Software,
    program,
)

__all__ = ["RUNTIMES"]

_PROPERTIES = "https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/net/doc-files/net-properties.html"
_AWS = "https://docs.aws.amazon.com/sdk-for-java/latest/developer-guide/jvm-ttl-dns.html"
_INSTALL = "apt install openjdk-17-jdk-headless, or another JDK from version 11 on"
_OLDEST = (11,)
"""The first version with java.net.http, and that runs a source file."""


def _find() -> FoundSoftware | MissingSoftware:
    found = program("java", ("-version",), _INSTALL, at_least=_OLDEST).find()
    if isinstance(found, FoundSoftware) and shutil.which("javac") is None:
        return MissingSoftware(
            "java is a runtime without the compiler, which runs the source file of the client", _INSTALL
        )
    return found


def _start(client: str, security: str, found: FoundSoftware, place: RuntimePlace) -> Sequence[str]:
    small = ("-Xmx64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
    options = [f"-Djava.security.properties={place.file('java.security', security)}"] if security else []
    return [found.path, *small, *options, str(PROGRAMS / "Lines.java"), client, place.url]


_java = Software("java", _find)
_DOCUMENTED = (
    DocumentedSetting("networkaddress.cache.ttl", "30 s, whatever the TTL", _PROPERTIES),
    DocumentedSetting("networkaddress.cache.negative.ttl", "10 s", _PROPERTIES),
)
_LOWER = RuntimeAdvice(
    "keeps-answers", "set the security property networkaddress.cache.ttl to the TTL of the records, such as 5", _AWS
)
_FORGET = RuntimeAdvice(
    "remembers-nxdomain", "set the security property networkaddress.cache.negative.ttl to 0 or 1", _AWS
)
_EXPECTED = {"kill": Expected(0, 30), "gap": Expected(0, 30)}
"""After a gap it may still keep the address from before, or "no such name" for 10 s."""

RUNTIMES = (
    ClientRuntime(
        "java-http-client",
        "OpenJDK, java.net.http.HttpClient",
        _java,
        partial(_start, "http-client", ""),
        "lines",
        _DOCUMENTED,
        _EXPECTED | {"drain": Expected(0, 30)},
        (_LOWER, _FORGET),
        model="dns-jvm",
    ),
    ClientRuntime(
        "java-url-connection",
        "OpenJDK, HttpURLConnection",
        _java,
        partial(_start, "url-connection", ""),
        "lines",
        _DOCUMENTED,
        _EXPECTED,
        (_LOWER, _FORGET),
        model="dns-jvm-pool",
    ),
    ClientRuntime(
        "java-ttl-1",
        "OpenJDK, java.net.http.HttpClient with networkaddress.cache.ttl=1",
        _java,
        partial(_start, "http-client", "networkaddress.cache.ttl=1\nnetworkaddress.cache.negative.ttl=0\n"),
        "lines",
        _DOCUMENTED,
        {"kill": Expected(0, 1), "gap": Expected(0, 1)},
        mends="java-http-client",
    ),
)
