"""Configurations of proxies, held against Envoy itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from surveyor_emulator.runtime.envoy.binary import binary
from surveyor_emulator.runtime.service_connect.bootstrap import EGRESS, render
from surveyor_emulator.runtime.service_connect.flaws import spoiled
from surveyor_emulator.runtime.service_connect.values import AccessLog, Endpoint, Inbound, Plan, Protocol

ENVOY = binary()
needs_envoy = pytest.mark.skipif(ENVOY is None, reason="Envoy is not installed here")
PROTOCOLS: tuple[Protocol, ...] = ("tcp", "http", "http2", "grpc")


def endpoint(number: int = 0, protocol: Protocol = "http", **more: Any) -> Endpoint:
    """An endpoint with the documented times."""
    request = 0.0 if protocol == "tcp" else 15.0
    return Endpoint(
        f"srv-{number}", f"name-{number}", "town", f"alias-{number}", 8080, protocol, 300.0, request, **more
    )


def plan(*outbound: Endpoint, **more: Any) -> Plan:
    """A proxy that leads to these."""
    reached = tuple((one, f"127.128.9.{number + 2}") for number, one in enumerate(outbound))
    return Plan("127.16.0.2", "127.16.0.3", 0.1, "vpc-1", reached, **more)


def clusters(document: str) -> dict[str, Any]:
    """The clusters of a configuration by name."""
    return {one["name"]: one for one in json.loads(document)["static_resources"]["clusters"]}


@needs_envoy
@pytest.mark.parametrize("log", [None, AccessLog(True, False), AccessLog(False, True)])
def test_envoy_accepts_what_is_written(tmp_path: Path, log: AccessLog | None) -> None:
    """Every protocol both ways, test traffic, ports that lead through, and access logs of both forms."""
    reached = [endpoint(number, protocol) for number, protocol in enumerate(PROTOCOLS)]
    reached.append(endpoint(9, test_header=("x-test", "yes")))
    inbound = tuple(
        Inbound(f"in-{number}", f"in-{number}.town", 9_000 + number, 8_000 + number, protocol, 60.0)
        for number, protocol in enumerate(PROTOCOLS)
    )
    document = render(plan(*reached, inbound=inbound, through=(7_000,), access_log=log), tmp_path)
    (tmp_path / "envoy.json").write_text(document, "utf-8")
    assert ENVOY is not None
    done = subprocess.run(
        [ENVOY, "--mode", "validate", "--log-level", "error", "--config-path", str(tmp_path / "envoy.json")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_documented_figures_follow_the_pace() -> None:
    """Times are service seconds times what a second takes; counts are as documented."""
    document = render(plan(endpoint()), Path("/f"))
    outliers = clusters(document)[f"{EGRESS}.0"]["outlier_detection"]
    assert outliers["consecutive_5xx"] == 5
    assert (outliers["base_ejection_time"], outliers["max_ejection_time"]) == ("3.0000s", "30.0000s")
    [listener] = json.loads(document)["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    [route] = manager["route_config"]["virtual_hosts"][0]["routes"]
    assert route["route"]["timeout"] == "1.5000s"
    assert route["route"]["retry_policy"]["num_retries"] == 2
    assert manager["common_http_protocol_options"]["idle_timeout"] == "30.0000s"


@pytest.mark.parametrize(
    ("flaw", "gone"),
    [("never-ejects", "outlier_detection"), ("never-retries", "num_retries"), ("picks-at-random", "ROUND_ROBIN")],
)
def test_a_flaw_is_in_what_is_written(flaw: str, gone: str) -> None:
    """What is documented is there, and is not there in a proxy that is wrong in that way."""
    assert gone in render(plan(endpoint()), Path("/f"))
    assert gone not in render(plan(endpoint(), flaw=flaw), Path("/f"))


def test_a_flaw_of_elsewhere_changes_nothing() -> None:
    """Flaws that lie in ECS leave the configuration alone."""
    document = {"static_resources": {"clusters": [{"lb_policy": "ROUND_ROBIN"}]}}
    assert spoiled(json.loads(json.dumps(document)), "sees-later-endpoints") == document
