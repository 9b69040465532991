"""Client runtimes: real client software, one file each."""

from __future__ import annotations

from collections.abc import Mapping

from surveyor.clients.runtimes import curl, envoy, golang, grpc, haproxy, java, nginx, node, python_http
from surveyor.clients.runtimes.model import (
    NEVER,
    ClientRuntime,
    DocumentedSetting,
    Expected,
    FoundSoftware,
    MissingSoftware,
    RuntimeAdvice,
    RuntimePlace,
)

__all__ = [
    "NEVER",
    "RUNTIMES",
    "ClientRuntime",
    "DocumentedSetting",
    "Expected",
    "FoundSoftware",
    "MissingSoftware",
    "RuntimeAdvice",
    "RuntimePlace",
]

RUNTIMES: Mapping[str, ClientRuntime] = {
    runtime.name: runtime
    for module in (nginx, haproxy, envoy, java, grpc, node, python_http, curl, golang)
    for runtime in module.RUNTIMES
}
"""All runtimes by name, whether or not their software is here."""
