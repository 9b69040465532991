"""What ListInstances shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor.testing import Eventually, MakeService, Register, proves

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


@proves("listing.instances-whatever-their-health")
def test_unhealthy_instances_are_listed(
    cloudmap: ServiceDiscoveryClient, make_service: MakeService, register: Register, http_namespace: dict[str, Any]
) -> None:
    """Instances registered as HEALTHY and as UNHEALTHY are both listed, with attributes and without a health."""
    service = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})["Id"]
    register(service, "up", {"AWS_INIT_HEALTH_STATUS": "HEALTHY", "colour": "red"})
    register(service, "down", {"AWS_INIT_HEALTH_STATUS": "UNHEALTHY", "colour": "blue"})
    listed = {one["Id"]: one for one in cloudmap.list_instances(ServiceId=service)["Instances"]}
    assert {name: one["Attributes"]["colour"] for name, one in listed.items()} == {"up": "red", "down": "blue"}
    assert not [key for one in listed.values() for key in one if "health" in key.lower()]


@proves("listing.instances-whatever-their-health")
def test_instances_that_become_unhealthy_stay_listed(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    register: Register,
    eventually: Eventually,
    http_namespace: dict[str, Any],
) -> None:
    """An instance whose custom health has changed to UNHEALTHY is still listed."""
    service = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})["Id"]
    register(service, "i-1", {"colour": "red"})
    cloudmap.update_instance_custom_health_status(ServiceId=service, InstanceId="i-1", Status="UNHEALTHY")

    def is_unhealthy() -> bool:
        return cloudmap.get_instances_health_status(ServiceId=service)["Status"].get("i-1") == "UNHEALTHY"

    eventually(is_unhealthy, within=120)
    assert [one["Id"] for one in cloudmap.list_instances(ServiceId=service)["Instances"]] == ["i-1"]
