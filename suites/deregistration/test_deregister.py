"""DeregisterInstance: what it deletes and what it keeps."""

import pytest

from surveyor.testing import dns_config, proves, raises


def dns(*types):
    """Return a DnsConfig with one record of each type."""
    return dns_config(*types)


@proves("deregistration.removes-own-records-only")
@pytest.mark.parametrize("types", ["A", "AAAA", "A AAAA"])
def test_records_of_the_instance_are_deleted_and_others_stay(
    cloudmap, make_service, register_all, wait_for_success, record_sets, private_namespace, types
):
    """DEREGISTER_INSTANCE deletes the records of the instance; those of other instances and services do not change."""
    service, neighbour = (make_service(private_namespace, DnsConfig=dns(*types.split())) for _ in range(2))
    first = {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_IPV6": "2001:db8::1"}
    second = {"AWS_INSTANCE_IPV4": "192.0.2.2", "AWS_INSTANCE_IPV6": "2001:db8::2"}
    for each in (service, neighbour):
        register_all(each, {"i-1": first, "i-2": second})

    def records_of(service):
        return record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}")

    before, of_neighbour = records_of(service), records_of(neighbour)
    assert len(before) == 2 * len(types.split())
    answer = cloudmap.deregister_instance(ServiceId=service["Id"], InstanceId="i-1")
    assert wait_for_success(answer["OperationId"])["Type"] == "DEREGISTER_INSTANCE"
    deleted = [{"Value": address} for address in first.values()]
    assert records_of(service) == [record for record in before if record["ResourceRecords"][0] not in deleted]
    assert records_of(neighbour) == of_neighbour


@proves("deregistration.removes-own-records-only")
def test_host_name_of_an_srv_record_is_deleted_too(
    make_service, register_all, deregister, record_sets, private_namespace
):
    """The address records of the host name in its SRV record are deleted too; the other instance keeps its records."""
    service = make_service(private_namespace, DnsConfig=dns("SRV"))
    name = f"{service['Name']}.{private_namespace['Name']}"
    endpoint = {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_PORT": "8080"}
    register_all(service, {"i-1": endpoint, "i-2": endpoint})
    assert record_sets(private_namespace, f"i-1.{name}")
    deregister(service, "i-1")
    assert not record_sets(private_namespace, f"i-1.{name}")
    assert [record["Type"] for record in record_sets(private_namespace, f"i-2.{name}")] == ["A"]
    [remaining] = record_sets(private_namespace, name)
    assert remaining["ResourceRecords"][0]["Value"].rstrip(".") == f"1 1 8080 i-2.{name}"


@proves("deregistration.removes-own-records-only")
def test_instance_is_no_longer_listed(cloudmap, make_service, register_all, deregister, http_namespace):
    """A deregistered instance is absent from ListInstances and GetInstance; the other instance does not change."""
    service = make_service(http_namespace)["Id"]
    register_all(service, {"i-1": {"colour": "red"}, "i-2": {"colour": "blue"}})
    deregister(service, "i-1")
    [remaining] = cloudmap.list_instances(ServiceId=service)["Instances"]
    assert (remaining["Id"], remaining["Attributes"]["colour"]) == ("i-2", "blue")
    with raises("InstanceNotFound"):
        cloudmap.get_instance(ServiceId=service, InstanceId="i-1")


@proves("deregistration.unknown-instance-is-refused")
def test_instance_that_was_never_registered(cloudmap, make_service, register, http_namespace):
    """An id that was never registered raises InstanceNotFound, also if another service has such an instance."""
    service, other = make_service(http_namespace), make_service(http_namespace)
    register(other, "i-1", {"colour": "red"})
    with raises("InstanceNotFound"):
        cloudmap.deregister_instance(ServiceId=service["Id"], InstanceId="i-1")


@proves("deregistration.unknown-instance-is-refused")
def test_instance_that_was_deregistered(cloudmap, make_service, register, deregister, http_namespace):
    """A second deregistration after the first has succeeded raises InstanceNotFound."""
    service = make_service(http_namespace)
    register(service, "i-1", {"colour": "red"})
    deregister(service, "i-1")
    with raises("InstanceNotFound"):
        cloudmap.deregister_instance(ServiceId=service["Id"], InstanceId="i-1")
