"""Attributes of instances: how many, how long, of which characters; most have no meaning for Cloud Map."""

from surveyor.testing import for_each, proves, raises, timeouts

RESERVED = {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_IPV6": "2001:db8::1", "AWS_INSTANCE_PORT": "8080"}
RESERVED_CHARACTERS = len("".join([*RESERVED, *RESERVED.values()]))
PRINTABLE = "".join(map(chr, range(33, 127)))


def pairs(count):
    """Return `count` short attributes."""
    return {f"key-{number}": "v" for number in range(count)}


def characters(total):
    """Return five attributes with `total` characters in all keys and values, each within its own limits."""
    last = total - 4 * 1000 - 2
    return {"k1": "v" * 998, "k2": "v" * 998, "k3": "v" * 998, "k4": "v" * 998, "k5": "v" * last}


@proves("instances.custom-attributes-are-limited")
@for_each(
    "attributes",
    {
        "30 pairs": pairs(30),
        "30 pairs and reserved ones": {**pairs(30), **RESERVED},
        "key of 255": {"k" * 255: "v"},
        "value of 1024": {"k": "v" * 1024},
        "5000 in all": characters(5000),
        "5000 with reserved ones": {**characters(5000 - RESERVED_CHARACTERS), **RESERVED},
    },
)
def test_attributes_at_the_limit_are_kept(cloudmap, make_service, register, http_namespace, attributes):
    """30 custom pairs, a key of 255, a value of 1,024 and 5,000 characters in all are accepted and read back."""
    service = make_service(http_namespace)["Id"]
    register(service, "i-1", attributes)
    assert cloudmap.get_instance(ServiceId=service, InstanceId="i-1")["Instance"]["Attributes"] == attributes


@proves("instances.custom-attributes-are-limited")
@for_each(
    "attributes",
    {
        "31 pairs": pairs(31),
        "31 pairs and reserved ones": {**pairs(31), **RESERVED},
        "key of 256": {"k" * 256: "v"},
        "value of 1025": {"k": "v" * 1025},
        "5001 in all": characters(5001),
        # "The total size of all provided attributes (sum of all keys and values) must not exceed 5,000 characters."
        "5001 with reserved ones": {**characters(5001 - RESERVED_CHARACTERS), **RESERVED},
    },
)
def test_attributes_beyond_the_limit_are_refused(cloudmap, make_service, http_namespace, attributes):
    """One pair too many, or one character too many in a key, a value or in all, is refused with InvalidInput."""
    service = make_service(http_namespace)["Id"]
    with raises("InvalidInput"):
        cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes=attributes)


@proves("instances.attributes-are-printable-ascii")
@for_each("key", ["", "a b", " a", "a\tb", "a\n", "a\x7f", "é"])
def test_other_keys_are_refused(cloudmap, make_service, http_namespace, key):
    """A key that is empty, or has a blank, a control character or one outside ASCII, is refused with InvalidInput."""
    service = make_service(http_namespace)["Id"]
    with raises("InvalidInput"):
        cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes={key: "v"})


@proves("instances.attributes-are-printable-ascii")
@for_each("value", [" v", "\tv", " ", "a\nb", "a\n", "a\x7f", "é", "vé", "\uff56"])
def test_other_values_are_refused(cloudmap, make_service, http_namespace, value):
    """A value that begins with a blank, or has a control character or one outside ASCII, is refused."""
    service = make_service(http_namespace)["Id"]
    with raises("InvalidInput"):
        cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes={"k": value})


@proves("instances.attributes-are-printable-ascii")
def test_printable_ascii_is_read_back(cloudmap, make_service, register, http_namespace):
    """All printable ASCII characters, and blanks and tabs inside values, are accepted and read back."""
    service = make_service(http_namespace)["Id"]
    attributes = {PRINTABLE: PRINTABLE, "blanks": "a b\tc  d", "empty": "", "x": "y"}
    register(service, "i-1", attributes)
    assert cloudmap.get_instance(ServiceId=service, InstanceId="i-1")["Instance"]["Attributes"] == attributes


@proves("instances.custom-attributes-suffice-without-dns")
@for_each("kind, settings", {"HTTP namespace": ("http", {}), "DNS namespace": ("private", {"Type": "HTTP"})})
def test_custom_attributes_suffice_without_records(
    cloudmap, make_service, register, eventually, namespace_of_kind, kind, settings
):
    """A service without records accepts an instance that has only an ARN and a URL, and both are discovered."""
    namespace = namespace_of_kind(kind)
    service = make_service(namespace, **settings)
    attributes = {"arn": "arn:aws:sqs:us-east-1:123456789012:orders", "url": "https://example.com/orders?x=1"}
    register(service, "queue", attributes)
    names = {"NamespaceName": namespace["Name"], "ServiceName": service["Name"]}
    [instance] = eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    assert (instance["InstanceId"], instance["Attributes"]) == ("queue", attributes)
