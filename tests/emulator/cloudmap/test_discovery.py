"""DiscoverInstances answers from entries that are encoded once, in every protocol and in random order."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import cbor2
import pytest

from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.http import Request, Response
from surveyor_emulator.core.settings import Quotas, Settings
from surveyor_emulator.core.world import World
from surveyor_emulator.server.gateway import Gateway

PREFIX = "Route53AutoNaming_v20170314"
NAMES = {"NamespaceName": "shop", "ServiceName": "backend"}


class CloudMap:
    """Cloud Map behind the gateway of a world with a stopped clock."""

    def __init__(self) -> None:
        self.world = World(
            Settings(seed=5, scale=None, verify_signatures=False, quotas=Quotas(discover_rate=None)), Clock(scale=None)
        )
        self._gateway = Gateway(self.world, self._control)
        self._gateway.prepare("servicediscovery")

    @staticmethod
    async def _control(request: Request) -> Response:
        raise AssertionError(f"expected no request to the control endpoint, got {request.path}")

    def json(self, operation: str, params: Mapping[str, object]) -> Any:
        """Return the answer to a call in JSON."""
        headers = {"x-amz-target": f"{PREFIX}.{operation}", "content-type": "application/x-amz-json-1.1"}
        return json.loads(self._body(Request("POST", "/", "", headers, json.dumps(params).encode())))

    def cbor(self, operation: str, params: Mapping[str, object]) -> Any:
        """Return the answer to a call in CBOR."""
        headers = {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}
        path = f"/service/{PREFIX}/operation/{operation}"
        return cbor2.loads(self._body(Request("POST", path, "", headers, cbor2.dumps(params))))

    def register(self, service_id: str, identity: str, **attributes: str) -> None:
        """Register an instance and wait until DiscoverInstances shows it."""
        params = {"ServiceId": service_id, "InstanceId": identity, "Attributes": attributes}
        assert "OperationId" in self.json("RegisterInstance", params)
        self.advance(60)

    def advance(self, seconds: float) -> None:
        """Move service time forward."""
        asyncio.run(self.world.clock.advance(seconds))

    def _body(self, request: Request) -> bytes:
        response = self._gateway(request)
        assert isinstance(response, Response)
        return response.body


@pytest.fixture
def cloudmap() -> CloudMap:
    """Return an empty Cloud Map."""
    return CloudMap()


@pytest.fixture
def service_id(cloudmap: CloudMap) -> str:
    """Return the id of a service without instances."""
    operation = cloudmap.json("CreateHttpNamespace", {"Name": "shop"})["OperationId"]
    cloudmap.advance(60)
    targets = cloudmap.json("GetOperation", {"OperationId": operation})["Operation"]["Targets"]
    created = cloudmap.json("CreateService", {"Name": "backend", "NamespaceId": targets["NAMESPACE"]})
    return str(created["Service"]["Id"])


def test_json_and_cbor_have_the_same_instances(cloudmap: CloudMap, service_id: str) -> None:
    """Both protocols return each instance with all of its members."""
    cloudmap.register(service_id, "one", zone="a", text='"quoted" \\')
    cloudmap.register(service_id, "two", zone="b")
    for answer in (cloudmap.json("DiscoverInstances", {**NAMES}), cloudmap.cbor("DiscoverInstances", {**NAMES})):
        found = {instance["InstanceId"]: instance for instance in answer["Instances"]}
        assert set(found) == {"one", "two"}
        assert found["one"] == {
            "InstanceId": "one",
            **NAMES,
            "HealthStatus": "UNKNOWN",
            "Attributes": {"zone": "a", "text": '"quoted" \\'},
        }


def test_repeated_requests_return_the_current_instances(cloudmap: CloudMap, service_id: str) -> None:
    """The same request shows each change of the instances and of the revision."""
    revisions = []
    for number in range(3):
        cloudmap.register(service_id, "same", version=str(number))
        answer = cloudmap.json("DiscoverInstances", {**NAMES})
        assert [instance["Attributes"] for instance in answer["Instances"]] == [{"version": str(number)}]
        revisions.append(answer["InstancesRevision"])
    assert revisions == sorted(set(revisions))
    cloudmap.json("DeregisterInstance", {"ServiceId": service_id, "InstanceId": "same"})
    cloudmap.advance(60)
    assert cloudmap.json("DiscoverInstances", {**NAMES})["Instances"] == []


def test_parameters_select_instances(cloudmap: CloudMap, service_id: str) -> None:
    """QueryParameters must match; OptionalParameters are dropped if nothing matches."""
    for number in range(4):
        cloudmap.register(service_id, f"task-{number}", zone="ab"[number % 2], number=str(number))

    def ids(**more: object) -> list[str]:
        answer = cloudmap.json("DiscoverInstances", {**NAMES, **more})
        return sorted(instance["InstanceId"] for instance in answer["Instances"])

    assert ids(QueryParameters={"zone": "a"}) == ["task-0", "task-2"]
    assert ids(QueryParameters={"zone": "c"}) == []
    assert ids(QueryParameters={"zone": "a"}, OptionalParameters={"number": "2"}) == ["task-2"]
    assert ids(QueryParameters={"zone": "a"}, OptionalParameters={"number": "1"}) == ["task-0", "task-2"]
    assert ids(OptionalParameters={"number": "1"}) == ["task-1"]
    assert ids() == [f"task-{number}" for number in range(4)]


@pytest.mark.parametrize("size", [4, 30], ids=["shuffled each time", "shuffled sometimes"])
def test_each_instance_is_equally_likely_to_be_first(cloudmap: CloudMap, service_id: str, size: int) -> None:
    """Over many calls each instance is first about equally often, and MaxResults returns different ones."""
    for number in range(size):
        cloudmap.register(service_id, f"task-{number}", zone="a")
    calls = 200 * size
    first: Counter[str] = Counter()
    for _ in range(calls):
        found = cloudmap.json("DiscoverInstances", {**NAMES, "MaxResults": 3})["Instances"]
        assert len({instance["InstanceId"] for instance in found}) == 3
        first[found[0]["InstanceId"]] += 1
    assert len(first) == size
    # The standard deviation is 14 and the generator is seeded: 100 to 300 is seven deviations either way.
    assert all(100 <= count <= 300 for count in first.values())
