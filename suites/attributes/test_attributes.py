"""Attributes of services."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import for_each, proves, raises

THIRTY = {f"key-{number}": f"value {number}" for number in range(30)}


@pytest.fixture
def service(make_service, http_namespace):
    """A service without attributes."""
    return make_service(http_namespace)


@pytest.fixture
def has_attributes(cloudmap, service, eventually):
    """Wait until the service, or another one, has exactly these attributes."""

    def check(expected, of=service):
        def shown():
            found = cloudmap.get_service_attributes(ServiceId=of["Id"])["ServiceAttributes"]
            return found.get("Attributes", {}) == expected

        eventually(shown, within=60)

    return check


@proves("attributes.service-level-round-trip")
def test_attributes_are_read_back_with_their_service(cloudmap, service, account, has_attributes):
    """A new service has no attributes; those that are written are read back, with its ARN and its owner."""
    has_attributes({})
    answer = cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes=THIRTY)
    assert "OperationId" not in answer
    has_attributes(THIRTY)
    found = cloudmap.get_service_attributes(ServiceId=service["Id"])["ServiceAttributes"]
    assert (found["ServiceArn"], found["ResourceOwner"]) == (service["Arn"], account)


@proves("attributes.service-level-round-trip")
def test_update_adds_and_overwrites(cloudmap, make_service, http_namespace, service, has_attributes):
    """A second update changes the keys that it names, adds new ones, and leaves the others and other services."""
    other = make_service(http_namespace)
    for each in (service, other):
        cloudmap.update_service_attributes(ServiceId=each["Id"], Attributes={"kept": "1", "changed": "1"})
    cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes={"changed": "2", "added": "", "Kept": "3"})
    has_attributes({"kept": "1", "changed": "2", "added": "", "Kept": "3"})
    has_attributes({"kept": "1", "changed": "1"}, of=other)


@proves("attributes.service-level-round-trip")
def test_delete_removes_the_named_keys(cloudmap, make_service, http_namespace, service, has_attributes):
    """DeleteServiceAttributes removes the keys that it names, and no others, nor those of another service."""
    other, written = make_service(http_namespace), {"a": "1", "b": "2", "c": "3", "A": "4"}
    for each in (service, other):
        cloudmap.update_service_attributes(ServiceId=each["Id"], Attributes=written)
    answer = cloudmap.delete_service_attributes(ServiceId=service["Id"], Attributes=["a", "c"])
    assert "OperationId" not in answer
    has_attributes({"b": "2", "A": "4"})
    has_attributes(written, of=other)


@proves("attributes.thirty-a-service")
def test_thirty_first_attribute_is_refused(cloudmap, service, has_attributes):
    """With thirty attributes a new key raises ServiceAttributesLimitExceededException; an existing one may change."""
    for attributes in (dict(list(THIRTY.items())[:29]), {"key-29": "value 29"}):
        cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes=attributes)
    for attributes in ({"key-30": "1"}, {"key-0": "1", "key-30": "1"}):
        with raises("ServiceAttributesLimitExceededException"):
            cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes=attributes)
    has_attributes(THIRTY)
    cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes={"key-0": "changed"})
    has_attributes({**THIRTY, "key-0": "changed"})
    cloudmap.delete_service_attributes(ServiceId=service["Id"], Attributes=["key-0"])
    cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes={"key-30": "fits"})
    has_attributes({**dict(list(THIRTY.items())[1:]), "key-30": "fits"})


@proves("attributes.thirty-a-service")
def test_thirty_one_attributes_at_once_are_refused(cloudmap, service, has_attributes):
    """A call with thirty-one attributes is refused and writes none."""
    # Not documented: InvalidInput, because the map is too long, or ServiceAttributesLimitExceededException.
    with pytest.raises(ClientError):
        cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes={**THIRTY, "key-30": "1"})
    has_attributes({})


@proves("attributes.sizes")
def test_longest_key_and_value(cloudmap, service, has_attributes):
    """A key of 255 and a value of 1,024 characters are accepted; one character more is refused with InvalidInput."""
    longest = {"k" * 255: "v" * 1024}
    cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes=longest)
    for too_long in ({"k" * 256: "v"}, {"k": "v" * 1025}):
        with raises("InvalidInput"):
            cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes=too_long)
    has_attributes(longest)
    with raises("InvalidInput"):
        cloudmap.delete_service_attributes(ServiceId=service["Id"], Attributes=["k" * 256])
    cloudmap.delete_service_attributes(ServiceId=service["Id"], Attributes=list(longest))
    has_attributes({})


@proves("attributes.one-to-thirty-in-a-call")
def test_call_names_one_to_thirty_attributes(cloudmap, service, has_attributes):
    """An update and a deletion name 1 to 30 attributes; without any, and for the deletion of 31, raise InvalidInput."""
    cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes=THIRTY)
    with raises("InvalidInput"):
        cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes={})
    for keys in ([], [*THIRTY, "key-30"]):
        with raises("InvalidInput"):
            cloudmap.delete_service_attributes(ServiceId=service["Id"], Attributes=keys)
    has_attributes(THIRTY)
    cloudmap.delete_service_attributes(ServiceId=service["Id"], Attributes=list(THIRTY))
    has_attributes({})


@proves("attributes.apart-from-instances")
def test_instances_do_not_have_the_attributes_of_their_service(cloudmap, register, eventually, http_namespace, service):
    """Discovery, lists and GetInstance show the attributes of an instance and none of its service."""
    cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes={"owner": "billing"})
    register(service, "i-1", {"colour": "red"})

    def discovered(**params):
        names = {"NamespaceName": http_namespace["Properties"]["HttpProperties"]["HttpName"]}
        return cloudmap.discover_instances(**names, ServiceName=service["Name"], **params)["Instances"]

    [instance] = eventually(discovered, within=60)
    [summary] = cloudmap.list_instances(ServiceId=service["Id"])["Instances"]
    described = cloudmap.get_instance(ServiceId=service["Id"], InstanceId="i-1")["Instance"]
    for shown in (instance, summary, described):
        assert shown["Attributes"]["colour"] == "red"
        assert "owner" not in shown["Attributes"]
    assert discovered(QueryParameters={"colour": "red"})
    assert discovered(QueryParameters={"owner": "billing"}) == []


@proves("attributes.unknown-service")
@for_each(
    "operation, params",
    {
        "update": ("update_service_attributes", {"Attributes": {"a": "1"}}),
        "get": ("get_service_attributes", {}),
        "delete": ("delete_service_attributes", {"Attributes": ["a"]}),
    },
)
def test_unknown_service_is_refused(cloudmap, make_service, http_namespace, operation, params):
    """Each operation on attributes raises ServiceNotFound for the id and the ARN of a service that is deleted."""
    service = make_service(http_namespace)
    getattr(cloudmap, operation)(ServiceId=service["Id"], **params)
    cloudmap.delete_service(Id=service["Id"])
    for name in ("Id", "Arn"):
        with raises("ServiceNotFound"):
            getattr(cloudmap, operation)(ServiceId=service[name], **params)
