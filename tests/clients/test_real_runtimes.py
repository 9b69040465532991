"""Real clients in a short scenario; those that are not installed are skipped by name."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from tests.clients.test_commands import need_sandbox

pytestmark = pytest.mark.soak

QUICK = 6.0
"""Wall seconds within which a client without a cache has recovered, on a busy machine."""

EXPECTED: Mapping[str, Mapping[str, bool]] = {
    "nginx-literal": {"kill": False, "gap": False, "drain": False},
    "nginx-implicit": {"kill": False, "gap": False, "drain": False},
    "nginx-variable": {"kill": True, "drain": True},
    "haproxy-plain": {"kill": False, "gap": False, "drain": False},
    "haproxy-resolvers": {"kill": True, "gap": True, "drain": True},
    "envoy-strict": {"kill": True, "gap": True, "drain": True},
    "requests": {"kill": True, "gap": True, "drain": False},
    "httpx": {"kill": True, "gap": True, "drain": False},
    "node-fetch": {"kill": True, "gap": True, "drain": False},
    "curl": {"kill": True, "gap": True, "drain": True},
    "grpc-pick-first": {"drain": False},
    "libcurl": {"drain": False},
    "aiohttp-cares": {"drain": False},
}
"""Whether each behaviour ends within the scenario."""


def test_runtimes_behave_as_their_documents_say(subtests: pytest.Subtests) -> None:
    """What recovers does so within a TTL and a refresh; what resolves once never does, and neither does its model."""
    need_sandbox()
    done = subprocess.run(
        [sys.executable, "-m", "tests.clients.short_scenario", *EXPECTED],
        capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    scenario: Mapping[str, Any] = json.loads(done.stdout)
    for name, expected in EXPECTED.items():
        with subtests.test(name):
            if name in scenario["missing"]:
                pytest.skip(scenario["missing"][name])
            assert name not in scenario["failed"], scenario["failed"][name]
            figures = scenario["figures"][name]
            assert {behaviour: figures[behaviour] is not None for behaviour in expected} == expected, figures
    figures = scenario["figures"]
    assert figures["model-dns-once"] == {"kill": None, "gap": None, "drain": None}
    assert figures["model-dns-pool"]["drain"] is None
    assert figures["model-dns-pool"]["kill"] < QUICK
