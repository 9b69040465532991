"""Go: net/http with its default transport."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

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
from surveyor.errors import SurveyorError

__all__ = ["RUNTIMES"]

_NET = "https://pkg.go.dev/net#hdr-Name_Resolution"
_TRANSPORT = "https://pkg.go.dev/net/http#Transport"
_COMPILE = 120.0


def _start(found: FoundSoftware, place: RuntimePlace) -> Sequence[str]:
    source = shutil.copy(PROGRAMS / "lines.go", place.folder)
    cache = {"GOCACHE": str(place.folder / "cache"), "GOFLAGS": "-mod=mod", "GO111MODULE": "off", "CGO_ENABLED": "0"}
    built = str(place.folder / "lines")
    done = subprocess.run(
        [found.path, "build", "-o", built, source],
        env=os.environ | cache,
        capture_output=True,
        text=True,
        timeout=_COMPILE,
        check=False,
    )
    if done.returncode:
        raise SurveyorError(f"go build failed: {(done.stderr.strip().splitlines() or ['no output'])[-1]}")
    return [built, place.url]


RUNTIMES = (
    ClientRuntime(
        "go",
        "Go, net/http",
        program("go", ("version",), "apt install golang-go"),
        _start,
        "lines",
        (
            DocumentedSetting("resolver", "asks the name server each time; nothing is cached", _NET),
            DocumentedSetting("Transport", "connections are kept for 90 s without use", _TRANSPORT),
        ),
        {"kill": Expected(0, 1), "gap": Expected(0, 1)},
        (
            RuntimeAdvice(
                "keeps-draining", "call CloseIdleConnections now and then; connections in use stay", _TRANSPORT
            ),
        ),
        model="dns-pool",
    ),
)
