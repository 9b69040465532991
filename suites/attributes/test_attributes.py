"""Attributes of services."""

import pytest

from surveyor.testing import proves, raises

THIRTY = {f"key-{number}": f"value {number}" for number in range(30)}


@pytest.fixture
def service(make_service, http_namespace):
    """A service without attributes."""
    return make_service(http_namespace)


@proves("attributes.service-level-round-trip")
def test_thirty_attributes_are_read_back(cloudmap, service):
    """Thirty attributes written in one call are read back at once, with the ARN of the service."""
    answer = cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes=THIRTY)
    assert "OperationId" not in answer
    found = cloudmap.get_service_attributes(ServiceId=service["Id"])["ServiceAttributes"]
    assert found["Attributes"] == THIRTY
    assert found["ServiceArn"] == service["Arn"]


@proves("attributes.service-level-round-trip")
def test_update_adds_and_overwrites(cloudmap, service):
    """A second update changes the keys that it names, adds new ones and leaves the others."""
    cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes={"kept": "1", "changed": "1"})
    cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes={"changed": "2", "added": "2"})
    found = cloudmap.get_service_attributes(ServiceId=service["Id"])["ServiceAttributes"]
    assert found["Attributes"] == {"kept": "1", "changed": "2", "added": "2"}


@proves("attributes.service-level-round-trip")
def test_delete_removes_the_named_keys(cloudmap, service):
    """DeleteServiceAttributes removes the keys that it names and no others, at once."""
    cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes={"a": "1", "b": "2", "c": "3"})
    answer = cloudmap.delete_service_attributes(ServiceId=service["Id"], Attributes=["a", "c"])
    assert "OperationId" not in answer
    found = cloudmap.get_service_attributes(ServiceId=service["Id"])["ServiceAttributes"]
    assert found["Attributes"] == {"b": "2"}


@proves("attributes.service-level-round-trip")
def test_thirty_first_attribute_is_refused(cloudmap, service):
    """With thirty attributes a new key raises ServiceAttributesLimitExceededException; an existing one may change."""
    cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes=THIRTY)
    with raises("ServiceAttributesLimitExceededException"):
        cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes={"key-30": "1"})
    cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes={"key-0": "changed"})
    found = cloudmap.get_service_attributes(ServiceId=service["Id"])["ServiceAttributes"]
    assert found["Attributes"] == {**THIRTY, "key-0": "changed"}


@proves("attributes.service-level-round-trip")
def test_longest_key_and_value(cloudmap, service):
    """A key of 255 and a value of 1,024 characters are accepted; one character more is refused with InvalidInput."""
    longest = {"k" * 255: "v" * 1024}
    cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes=longest)
    for too_long in ({"k" * 256: "v"}, {"k": "v" * 1025}):
        with raises("InvalidInput"):
            cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes=too_long)
    found = cloudmap.get_service_attributes(ServiceId=service["Id"])["ServiceAttributes"]
    assert found["Attributes"] == longest


@proves("attributes.service-level-round-trip")
def test_discovery_shows_attributes_of_instances_only(cloudmap, register, eventually, http_namespace, service):
    """DiscoverInstances shows the attributes of the instance and none of the service."""
    cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes={"owner": "billing"})
    register(service, "i-1", {"colour": "red"})

    def instances_discovered():
        return list(
            cloudmap.discover_instances(NamespaceName=http_namespace["Name"], ServiceName=service["Name"])["Instances"]
        )

    [instance] = eventually(instances_discovered, within=60)
    assert instance["Attributes"]["colour"] == "red"
    assert "owner" not in instance["Attributes"]
