"""The replacement for App Mesh of docs/app-mesh.md, with real processes.

Endpoints come from DiscoverInstances by attributes, weights from Envoy.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target
from surveyor_emulator.runtime.envoy.binary import binary

ENVOY = binary()
pytestmark = pytest.mark.skipif(ENVOY is None, reason="Envoy is not installed here")
ACCOUNT = "710000000001"
VERSIONS = {"v1": ("127.77.1.1", "127.77.1.2"), "v2": ("127.77.2.1",)}
FRONT, PORT = "127.77.0.1", 8099
TYPE = "type.googleapis.com/envoy"


@pytest.fixture
def servers() -> Iterator[None]:
    """Run the workload at the address of each instance."""
    with ExitStack() as stack:
        for address in (address for addresses in VERSIONS.values() for address in addresses):
            process = subprocess.Popen(
                [sys.executable, "-m", "surveyor_agents.workload", "serve", "--port", str(PORT)],
                env={"SURVEYOR_ADDRESS": address},
                stdout=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield


@pytest.fixture
def running() -> Iterator[RunningTarget]:
    """Provide a running embedded target."""
    with run_target(load_target("embedded", find_layout().targets), 7) as target:
        yield target


def discovered(cloudmap: Any, version: str) -> list[str]:
    """Return the addresses of the instances that have this version."""
    answer = cloudmap.discover_instances(
        NamespaceName="shop", ServiceName="backend", QueryParameters={"version": version}
    )
    return sorted(instance["Attributes"]["AWS_INSTANCE_IPV4"] for instance in answer["Instances"])


def configuration(endpoints: dict[str, list[str]], weights: dict[str, int]) -> str:
    """Return an Envoy configuration with a cluster for each version and a route with weights."""
    weighted = {"clusters": [{"name": name, "weight": weight} for name, weight in weights.items()]}
    manager = {
        "@type": f"{TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front",
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{TYPE}.extensions.filters.http.router.v3.Router"}}
        ],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "backend",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"weighted_clusters": weighted}}],
                }
            ]
        },
    }
    listener = {
        "name": "front",
        "address": {"socket_address": {"address": FRONT, "port_value": PORT}},
        "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}],
    }
    clusters = [
        {
            "name": name,
            "load_assignment": {
                "cluster_name": name,
                "endpoints": [
                    {
                        "lb_endpoints": [
                            {"endpoint": {"address": {"socket_address": {"address": address, "port_value": PORT}}}}
                            for address in addresses
                        ]
                    }
                ],
            },
        }
        for name, addresses in endpoints.items()
    ]
    return json.dumps({"static_resources": {"listeners": [listener], "clusters": clusters}})


def count_answers(calls: int) -> Counter[str]:
    """Return the number of answers by address."""
    counts: Counter[str] = Counter()
    for _ in range(calls):
        connection = http.client.HTTPConnection(FRONT, PORT, timeout=5)
        connection.request("GET", "/")
        counts[json.load(connection.getresponse())["address"]] += 1
        connection.close()
    return counts


@pytest.mark.soak
@pytest.mark.usefixtures("servers")
def test_weights_between_versions_by_attributes(running: RunningTarget, tmp_path: Path) -> None:
    """Of 400 calls the version with weight 10 of 100 gets about a tenth, and each version only its own instances."""
    cloudmap = running.clients.client("servicediscovery", ACCOUNT)
    operation = cloudmap.create_http_namespace(Name="shop")["OperationId"]
    running.clock.wait(10)
    namespace = cloudmap.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"]
    service = cloudmap.create_service(Name="backend", NamespaceId=namespace)["Service"]["Id"]
    for version, addresses in VERSIONS.items():
        for address in addresses:
            attributes = {"AWS_INSTANCE_IPV4": address, "version": version}
            cloudmap.register_instance(ServiceId=service, InstanceId=address, Attributes=attributes)
    running.clock.wait(10)
    endpoints = {version: discovered(cloudmap, version) for version in VERSIONS}
    assert endpoints == {version: list(addresses) for version, addresses in VERSIONS.items()}
    file = tmp_path / "envoy.json"
    file.write_text(configuration(endpoints, {"v1": 90, "v2": 10}), "utf-8")
    assert ENVOY is not None
    envoy = subprocess.Popen([ENVOY, "-c", str(file), "--disable-hot-restart", "--concurrency", "1", "-l", "error"])
    try:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                count_answers(6)
            except (OSError, http.client.HTTPException, json.JSONDecodeError, KeyError):
                continue
            break
        counts = count_answers(400)
    finally:
        envoy.kill()
        envoy.wait()
    second = sum(counts[address] for address in VERSIONS["v2"])
    assert set(counts) == {address for addresses in VERSIONS.values() for address in addresses}
    # With a probability of a tenth, fewer than 10 or more than 85 of 400 occur once in a million runs.
    assert 10 <= second <= 85, counts
