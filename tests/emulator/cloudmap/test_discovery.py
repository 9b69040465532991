"""DiscoverInstances answers from entries that are encoded once, in every protocol and in random order."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.emulator.cloudmap.conftest import CloudMap

NAMES = {"NamespaceName": "shop", "ServiceName": "backend"}


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
