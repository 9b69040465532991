"""ListInstances."""

from surveyor.testing import proves


@proves("listing.instances-whatever-their-health")
def test_unhealthy_instances_are_listed(cloudmap, make_service, register, http_namespace):
    """Instances registered as HEALTHY and as UNHEALTHY are both listed, with attributes and without a health status."""
    service = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})
    register(service, "up", {"AWS_INIT_HEALTH_STATUS": "HEALTHY", "colour": "red"})
    register(service, "down", {"AWS_INIT_HEALTH_STATUS": "UNHEALTHY", "colour": "blue"})
    for name in (service["Id"], service["Arn"]):
        listed = {entry["Id"]: entry for entry in cloudmap.list_instances(ServiceId=name)["Instances"]}
        colours = {name: instance["Attributes"]["colour"] for name, instance in listed.items()}
        assert colours == {"up": "red", "down": "blue"}
        assert not [member for instance in listed.values() for member in instance if "health" in member.lower()]


@proves("listing.instances-whatever-their-health")
def test_instances_whose_health_changes_stay_listed(cloudmap, make_service, register, eventually, http_namespace):
    """An instance is still listed once its custom health is UNHEALTHY, and once it is HEALTHY again."""
    service = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})["Id"]
    register(service, "i-1", {"colour": "red"})
    for status in ("UNHEALTHY", "HEALTHY"):
        cloudmap.update_instance_custom_health_status(ServiceId=service, InstanceId="i-1", Status=status)
        eventually(
            lambda: cloudmap.get_instances_health_status(ServiceId=service)["Status"].get("i-1") == status,  # noqa: B023  # called at once
            within=120,
        )
        assert [instance["Id"] for instance in cloudmap.list_instances(ServiceId=service)["Instances"]] == ["i-1"]
