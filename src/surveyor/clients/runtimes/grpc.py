"""gRPC for Python: pick_first, round_robin, and a shorter time between two resolutions."""

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

_KEYS = "https://grpc.github.io/grpc/core/group__grpc__arg__keys.html"
_NAMES = "https://github.com/grpc/grpc/blob/master/doc/naming.md"


def _start(client: str, found: FoundSoftware, place: RuntimePlace) -> Sequence[str]:
    return [sys.executable, str(PROGRAMS / "python_lines.py"), client, place.url]


_DOCUMENTED = (
    DocumentedSetting(
        "grpc.dns_min_time_between_resolutions_ms", "30,000: at least 30 s between two resolutions", _KEYS
    ),
    DocumentedSetting("resolution", "asks again after a connection has failed, not after the TTL", _NAMES),
)
_ADVICE = (
    RuntimeAdvice(
        "asks-after-errors", "set the channel argument grpc.dns_min_time_between_resolutions_ms, to 1000", _KEYS
    ),
    RuntimeAdvice(
        "keeps-draining",
        "let the server end connections: grpc.max_connection_age_ms makes clients resolve again and spread",
        _KEYS,
    ),
)

RUNTIMES = (
    *(
        ClientRuntime(
            f"grpc-{policy.replace('_', '-')}",
            f"gRPC for Python, {policy}",
            package("grpcio"),
            partial(_start, f"grpc-{policy.replace('_', '-')}"),
            "lines",
            _DOCUMENTED,
            {"kill": Expected(0, 31), "gap": Expected(0, 31)},
            _ADVICE,
            model="dns-on-error",
        )
        for policy in ("pick_first", "round_robin")
    ),
    ClientRuntime(
        "grpc-1s",
        "gRPC for Python, pick_first, at least 1 s between resolutions",
        package("grpcio"),
        partial(_start, "grpc-eager"),
        "lines",
        _DOCUMENTED,
        {"kill": Expected(0, 5)},
        mends="grpc-pick-first",
    ),
)
