"""The configuration of proxies, checked by Envoy itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from surveyor_emulator.mutations import apply_mutation
from surveyor_emulator.runtime.envoy.binary import binary
from surveyor_emulator.runtime.service_connect.bootstrap import EGRESS, render
from surveyor_emulator.runtime.service_connect.values import AccessLog, Endpoint, Inbound, Plan, Protocol

ENVOY = binary()
needs_envoy = pytest.mark.skipif(ENVOY is None, reason="Envoy is not installed here")
PROTOCOLS: tuple[Protocol, ...] = ("tcp", "http", "http2", "grpc")


def endpoint(number: int = 0, protocol: Protocol = "http", **more: Any) -> Endpoint:
    """Return an endpoint with the documented times."""
    request = 0.0 if protocol == "tcp" else 15.0
    return Endpoint(
        f"srv-{number}", f"name-{number}", "town", f"alias-{number}", 8080, protocol, 300.0, request, **more
    )


def plan(*outbound: Endpoint, **more: Any) -> Plan:
    """Return the plan of a proxy that leads to these endpoints."""
    reached = tuple((entry, f"127.128.9.{number + 2}") for number, entry in enumerate(outbound))
    return Plan("127.16.0.2", "127.16.0.3", 0.1, "vpc-1", reached, **more)


def clusters(document: str) -> dict[str, Any]:
    """Return the clusters of a configuration by name."""
    return {cluster["name"]: cluster for cluster in json.loads(document)["static_resources"]["clusters"]}


@needs_envoy
@pytest.mark.parametrize("log", [None, AccessLog(True, False), AccessLog(False, True)])
def test_envoy_accepts_the_configuration(tmp_path: Path, log: AccessLog | None) -> None:
    """Envoy accepts every protocol both ways, test traffic, ports without proxy, and both formats of access logs."""
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


def test_documented_times_are_scaled() -> None:
    """Times are service seconds times the wall seconds in one; counts are as documented."""
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
    ("mutation", "absent"),
    [("never-ejects", "outlier_detection"), ("never-retries", "num_retries"), ("picks-at-random", "ROUND_ROBIN")],
)
def test_mutations_change_the_configuration(mutation: str, absent: str) -> None:
    """A documented member is in the configuration, except while the mutation that removes it is applied."""
    assert absent in render(plan(endpoint()), Path("/f"))
    apply_mutation(mutation)
    try:
        assert absent not in render(plan(endpoint()), Path("/f"))
    finally:
        apply_mutation(None)
    assert absent in render(plan(endpoint()), Path("/f"))


def test_other_mutations_leave_the_configuration_alone() -> None:
    """A mutation of ECS changes no configuration of proxies."""
    document = render(plan(endpoint()), Path("/f"))
    apply_mutation("sees-later-endpoints")
    try:
        assert render(plan(endpoint()), Path("/f")) == document
    finally:
        apply_mutation(None)


def test_callee_proxies_limit_no_request_time() -> None:
    """The callee's proxy has no request timeout, except under the mutation that limits everything."""
    inbound = (Inbound("in", "in.town", 9_000, 8_000, "http", 60.0),)
    assert '"timeout": "0s"' in render(plan(inbound=inbound), Path("/f"))
    apply_mutation("times-everything")
    try:
        assert '"timeout": "1.5000s"' in render(plan(inbound=inbound), Path("/f"))
    finally:
        apply_mutation(None)
