"""InstancesRevision: by it a client knows whether its list is still the latest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from surveyor.testing import Deregister, Eventually, MakeService, Register, RegisterAll, proves, timeouts

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


@pytest.fixture
def service(make_service: MakeService, http_namespace: dict[str, Any]) -> dict[str, Any]:
    """A service with a custom health check."""
    return make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})


@pytest.fixture
def names(http_namespace: dict[str, Any], service: dict[str, Any]) -> dict[str, Any]:
    """The names by which instances of the service are discovered."""
    return {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}


@proves("discovery.revision-rises-with-membership-only")
def test_revision_rises_with_each_change_of_members(
    cloudmap: ServiceDiscoveryClient,
    register: Register,
    deregister: Deregister,
    eventually: Eventually,
    service: dict[str, Any],
    names: dict[str, Any],
) -> None:
    """Once DiscoverInstances shows another set of instances, larger or smaller, its revision is larger."""
    seen = [cloudmap.discover_instances(**names)["InstancesRevision"]]

    def shows(*expected: str) -> None:
        def answer() -> Any:
            found = cloudmap.discover_instances(**names)
            return {one["InstanceId"] for one in found["Instances"]} == set(expected) and found

        seen.append(eventually(answer, within=timeouts.DISCOVERY)["InstancesRevision"])

    register(service, "i-1", {"colour": "red"})
    shows("i-1")
    register(service, "i-2", {"colour": "red"})
    shows("i-1", "i-2")
    deregister(service, "i-1")
    shows("i-2")
    deregister(service, "i-2")
    shows()
    assert seen == sorted(set(seen))


@proves("discovery.revision-rises-with-membership-only")
def test_revision_stays_when_health_changes(
    cloudmap: ServiceDiscoveryClient,
    register_all: RegisterAll,
    eventually: Eventually,
    service: dict[str, Any],
    names: dict[str, Any],
) -> None:
    """Once DiscoverInstances shows an instance as unhealthy, the revision is what it was."""
    register_all(service, {"i-1": {"colour": "red"}, "i-2": {"colour": "red"}})

    def healthy(count: int) -> Any:
        answer = cloudmap.discover_instances(**names, HealthStatus="HEALTHY")
        return len(answer["Instances"]) == count and answer

    before = eventually(lambda: healthy(2), within=timeouts.DISCOVERY)["InstancesRevision"]
    cloudmap.update_instance_custom_health_status(ServiceId=service["Id"], InstanceId="i-1", Status="UNHEALTHY")
    after = eventually(lambda: healthy(1), within=timeouts.CUSTOM_HEALTH + timeouts.DISCOVERY)["InstancesRevision"]
    assert after == before


@proves("discovery.revision-rises-with-membership-only")
def test_both_calls_tell_one_revision(
    cloudmap: ServiceDiscoveryClient,
    register: Register,
    eventually: Eventually,
    service: dict[str, Any],
    names: dict[str, Any],
) -> None:
    """DiscoverInstancesRevision comes to tell the revision that DiscoverInstances tells, before and after a change."""

    def agreed() -> Any:
        told = cloudmap.discover_instances(**names)
        return told["InstancesRevision"] == cloudmap.discover_instances_revision(**names)["InstancesRevision"] and told

    before = eventually(agreed, within=timeouts.DISCOVERY)
    register(service, "i-1", {"colour": "red"})
    eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    assert eventually(agreed, within=timeouts.DISCOVERY)["InstancesRevision"] > before["InstancesRevision"]
