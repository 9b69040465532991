"""RegisterInstance: new instances, and instances that exist already."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import Inconclusive, dns_config, proves, raises

A = dns_config("A")


@proves("instances.register-is-asynchronous-and-creates-records")
@pytest.mark.parametrize(
    ("kind", "key", "address"),
    [("A", "AWS_INSTANCE_IPV4", "192.0.2.44"), ("AAAA", "AWS_INSTANCE_IPV6", "2001:db8::abcd:1:2345")],
)
def test_register_creates_the_records_of_the_service(
    cloudmap, make_service, wait_for_success, record_sets, private_namespace, kind, key, address
):
    """REGISTER_INSTANCE creates the instance and a record of the service's type and TTL."""
    config = dns_config(kind, ttl=77)
    service = make_service(private_namespace, DnsConfig=config)
    answer = cloudmap.register_instance(ServiceId=service["Id"], InstanceId="i-1", Attributes={key: address})
    assert wait_for_success(answer["OperationId"])["Type"] == "REGISTER_INSTANCE"
    instance = cloudmap.get_instance(ServiceId=service["Id"], InstanceId="i-1")["Instance"]
    assert (instance["Id"], instance["Attributes"][key]) == ("i-1", address)
    [record] = record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}")
    assert (record["Type"], record["TTL"], record["ResourceRecords"]) == (kind, 77, [{"Value": address}])


@proves("instances.register-again-updates")
def test_same_id_updates_instance_and_record(cloudmap, make_service, register, record_sets, private_namespace):
    """Registering an instance again with another address updates it, and its record has only the new address."""
    service = make_service(private_namespace, DnsConfig=A)
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.2"})
    [instance] = cloudmap.list_instances(ServiceId=service["Id"])["Instances"]
    assert (instance["Id"], instance["Attributes"]["AWS_INSTANCE_IPV4"]) == ("i-1", "192.0.2.2")
    [record] = record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}")
    assert record["ResourceRecords"] == [{"Value": "192.0.2.2"}]


@proves("instances.register-again-updates")
def test_other_id_adds_an_instance(cloudmap, make_service, register, http_namespace):
    """An id that differs, even if only in case, is another instance."""
    service = make_service(http_namespace)["Id"]
    register(service, "i-a", {"colour": "red"})
    register(service, "i-A", {"colour": "blue"})
    found = cloudmap.list_instances(ServiceId=service)["Instances"]
    assert {instance["Id"]: instance["Attributes"]["colour"] for instance in found} == {"i-a": "red", "i-A": "blue"}


@proves("instances.register-again-replaces-attributes")
def test_omitted_attributes_are_deleted(cloudmap, make_service, register, http_namespace):
    """An instance registered with colour and size, and again with only size, has no colour."""
    service = make_service(http_namespace)["Id"]
    register(service, "i-1", {"colour": "red", "size": "1"})
    register(service, "i-1", {"size": "2"})
    found = cloudmap.get_instance(ServiceId=service, InstanceId="i-1")["Instance"]["Attributes"]
    assert found["size"] == "2"
    assert "colour" not in found


@proves("instances.one-register-at-a-time")
def test_second_register_during_the_first_is_refused(cloudmap, make_service, wait_for_success, http_namespace):
    """While an instance is being registered another request for it raises DuplicateRequest with the operation's id."""
    service = make_service(http_namespace)["Id"]
    first = cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes={"colour": "red"})
    try:
        second = cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes={"colour": "blue"})
    except ClientError as refusal:
        answer = refusal.response
    else:  # correct if the first had ended when the second arrived
        end, start = wait_for_success(first)["UpdateDate"], wait_for_success(second)["CreateDate"]
        assert end <= start, "two registrations of one instance ran at the same time"
        raise Inconclusive("the first registration had ended before the second arrived")
    assert answer["Error"]["Code"] == "DuplicateRequest"
    assert answer.get("DuplicateOperationId") == first["OperationId"]


@proves("instances.one-register-at-a-time")
def test_other_instances_do_not_wait(cloudmap, make_service, wait_for_success, http_namespace):
    """Another instance, and an instance of the same id in another service, can be registered at the same time."""
    first, second = make_service(http_namespace)["Id"], make_service(http_namespace)["Id"]
    instances = [(first, "i-1"), (first, "i-2"), (second, "i-1")]
    answers = [
        cloudmap.register_instance(ServiceId=service, InstanceId=instance, Attributes={"colour": "red"})
        for service, instance in instances
    ]
    for answer in answers:
        wait_for_success(answer)
    for service, instance in instances:
        assert cloudmap.get_instance(ServiceId=service, InstanceId=instance)["Instance"]["Id"] == instance


@proves("instances.one-register-at-a-time")
def test_register_again_after_the_first_is_complete(make_service, register, http_namespace):
    """After the first registration has succeeded a second one for the same instance is accepted and succeeds."""
    service = make_service(http_namespace)
    first = register(service, "i-1", {"colour": "red"})
    assert register(service, "i-1", {"colour": "blue"})["Id"] != first["Id"]


@proves("instances.id-is-limited")
@pytest.mark.parametrize("instance_id", ["a", "Aa0_/:.@-".ljust(64, "x")], ids=["1", "64"])
def test_ids_within_bounds_are_accepted(cloudmap, make_service, register, http_namespace, instance_id):
    """Ids of 1 character and of 64 characters, with all special characters, are accepted and read back."""
    service = make_service(http_namespace)["Id"]
    register(service, instance_id, {"colour": "red"})
    assert cloudmap.get_instance(ServiceId=service, InstanceId=instance_id)["Instance"]["Id"] == instance_id


@proves("instances.id-is-limited")
@pytest.mark.parametrize("instance_id", ["", "a" * 65, "a b", "é", "a#b", "a+b"], ids=ascii)
def test_other_ids_are_refused(cloudmap, make_service, http_namespace, instance_id):
    """An empty id, an id of 65 characters and other characters are refused with InvalidInput."""
    service = make_service(http_namespace)["Id"]
    with raises("InvalidInput"):
        cloudmap.register_instance(ServiceId=service, InstanceId=instance_id, Attributes={"colour": "red"})
