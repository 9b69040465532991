"""Custom attributes of instances, which have no meaning for Cloud Map."""

import pytest

from surveyor.testing import proves, raises


def pairs(count):
    """Return `count` short attributes."""
    return {f"key-{number}": "v" for number in range(count)}


def characters(total):
    """Return five attributes with `total` characters in all keys and values, each within its own limits."""
    last = total - 4 * 1000 - 2
    return {"k1": "v" * 998, "k2": "v" * 998, "k3": "v" * 998, "k4": "v" * 998, "k5": "v" * last}


@proves("instances.custom-attributes-are-limited")
@pytest.mark.parametrize(
    "attributes",
    [pairs(30), {"k" * 255: "v"}, {"k": "v" * 1024}, characters(5000)],
    ids=["30 pairs", "key of 255", "value of 1024", "5000 in all"],
)
def test_attributes_at_the_limit_are_kept(cloudmap, make_service, register, http_namespace, attributes):
    """30 pairs, a key of 255, a value of 1,024 and 5,000 characters in all are accepted and read back."""
    service = make_service(http_namespace)["Id"]
    register(service, "i-1", attributes)
    assert cloudmap.get_instance(ServiceId=service, InstanceId="i-1")["Instance"]["Attributes"] == attributes


@proves("instances.custom-attributes-are-limited")
@pytest.mark.parametrize(
    "attributes",
    [pairs(31), {"k" * 256: "v"}, {"k": "v" * 1025}, characters(5001)],
    ids=["31 pairs", "key of 256", "value of 1025", "5001 in all"],
)
def test_attributes_beyond_the_limit_are_refused(cloudmap, make_service, http_namespace, attributes):
    """One pair too many, or one character too many in a key, a value or in all, is refused with InvalidInput."""
    service = make_service(http_namespace)["Id"]
    with raises("InvalidInput"):
        cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes=attributes)


@proves("instances.attributes-are-printable-ascii")
@pytest.mark.parametrize(
    "attributes",
    [{"a b": "v"}, {"a\tb": "v"}, {"é": "v"}, {"k": " v"}, {"k": "\tv"}, {"k": "é"}],
    ids=ascii,
)
def test_other_characters_are_refused(cloudmap, make_service, http_namespace, attributes):
    """A blank in a key, a blank at the start of a value and non-ASCII characters are refused with InvalidInput."""
    service = make_service(http_namespace)["Id"]
    with raises("InvalidInput"):
        cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes=attributes)


@proves("instances.attributes-are-printable-ascii")
def test_printable_ascii_is_read_back(cloudmap, make_service, register, http_namespace):
    """All printable ASCII characters, and blanks and tabs inside values, are accepted and read back."""
    service = make_service(http_namespace)["Id"]
    printable = "".join(map(chr, range(33, 127)))
    attributes = {printable: printable, "blanks": "a b\tc  d", "empty": ""}
    register(service, "i-1", attributes)
    assert cloudmap.get_instance(ServiceId=service, InstanceId="i-1")["Instance"]["Attributes"] == attributes


@proves("instances.custom-attributes-suffice-without-dns")
def test_custom_attributes_suffice_without_records(cloudmap, make_service, register, eventually, http_namespace):
    """A service without records accepts an instance that has only an ARN and a URL, and both are discovered."""
    service = make_service(http_namespace)
    attributes = {"arn": "arn:aws:sqs:us-east-1:123456789012:orders", "url": "https://example.com/orders?x=1"}
    register(service, "queue", attributes)

    def instances_discovered():
        found = cloudmap.discover_instances(NamespaceName=http_namespace["Name"], ServiceName=service["Name"])
        return list(found["Instances"])

    [instance] = eventually(instances_discovered, within=60)
    assert (instance["InstanceId"], instance["Attributes"]) == ("queue", attributes)
