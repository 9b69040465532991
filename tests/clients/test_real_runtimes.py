"""Real clients in a short scenario; those that are not installed are skipped by name."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from surveyor.clients.runtimes import RUNTIMES, FoundSoftware
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
        [sys.executable, "-m", "tests.clients.short_scenario", "short", *EXPECTED],
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


RUNTIMES_OF_WRONG = {"haproxy-plain": "dns-once", "requests": "dns-pool", "envoy-strict": "dns-poll-5", "curl": "curl"}
"""Runtimes, and the model of each."""


def test_a_model_that_is_made_wrong_is_caught(tmp_path: Path) -> None:
    """Each is a failed check with exit code 1, and the model that is right beside them is none."""
    need_sandbox()
    here = [name for name in RUNTIMES_OF_WRONG if isinstance(RUNTIMES[name].software.find(), FoundSoftware)]
    right = [name for name in ("haproxy-resolvers",) if isinstance(RUNTIMES[name].software.find(), FoundSoftware)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.clients.wrong_models", "--out", str(tmp_path), *here, *right],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    for name in here:
        assert any(f"the model {RUNTIMES_OF_WRONG[name]}, kill:" in line for line in failed), done.stdout
    assert not any("dns-poll," in line or "haproxy-resolvers" in line for line in failed), done.stdout


def test_tasks_that_stop_vanish_and_have_ipv6_addresses() -> None:
    """Clients that ask again leave a task that answers with Connection: close, without an error, and a vanished one."""
    figures, errors = play_short("endings", "requests", "curl", "nginx-literal")
    for name in figures.keys() & {"requests", "curl"}:
        assert figures[name]["stop"] is not None, figures
        assert errors[name]["stop"] == 0, errors
        assert figures[name]["vanish"] is not None, figures
    if "nginx-literal" in figures:
        assert figures["nginx-literal"] == {"stop": None, "vanish": None}


def test_a_cache_in_between_keeps_answers_for_their_ttl() -> None:
    """A client without a cache recovers, and only once the answer in the resolver's has expired."""
    if shutil.which("dnsmasq") is None and shutil.which("dnsmasq", path="/usr/sbin:/usr/local/sbin") is None:
        pytest.skip("dnsmasq is not installed")
    figures, errors = play_short("cached", "requests", "curl")
    assert figures, "neither of the clients is here"
    for name, measured in figures.items():
        assert measured["kill"] is not None, (name, figures)
    assert sum(errors[name]["kill"] for name in figures) > 0, errors


def play_short(scenario: str, *names: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the seconds and the failed calls, by client and behaviour, of those clients that are here."""
    need_sandbox()
    done = subprocess.run(
        [sys.executable, "-m", "tests.clients.short_scenario", scenario, *names],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["failed"] == {}
    return found["figures"], found["errors"]
