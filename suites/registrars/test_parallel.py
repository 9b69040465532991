"""Two registrars that change one service at the same time."""

from surveyor.testing import proves


def instances(*numbers):
    """Return instances by id, each with an address and an attribute."""
    return {f"i-{number}": {"AWS_INSTANCE_IPV4": f"192.0.2.{number}", "by": str(number % 2)} for number in numbers}


@proves("registrars.parallel.each-changes-its-own")
def test_one_deregisters_while_another_registers(
    cloudmap, make_service, register_all, wait_for_success, http_namespace
):
    """Six requests follow each other without waiting; each operation succeeds, and what was registered is listed."""
    service = make_service(http_namespace)["Id"]
    old, new = instances(1, 3, 5), instances(2, 4, 6)
    register_all(service, old)
    started = []
    for leaving, (entering, attributes) in zip(old, new.items(), strict=True):
        started.append(cloudmap.deregister_instance(ServiceId=service, InstanceId=leaving)["OperationId"])
        made = cloudmap.register_instance(ServiceId=service, InstanceId=entering, Attributes=attributes)
        started.append(made["OperationId"])
    assert len(set(started)) == 6
    operations = [wait_for_success(operation) for operation in started]
    assert [operation["Type"] for operation in operations] == ["DEREGISTER_INSTANCE", "REGISTER_INSTANCE"] * 3
    assert [operation["Targets"]["INSTANCE"] for operation in operations] == [
        name for pair in zip(old, new, strict=True) for name in pair
    ]
    listed = cloudmap.list_instances(ServiceId=service)["Instances"]
    assert {instance["Id"]: instance["Attributes"] for instance in listed} == new
