"""RegisterInstance: new instances, and instances that exist already."""

import string

import pytest

from surveyor.testing import Inconclusive, for_each, proves, raises, timeouts

IPV4, IPV6, PORT = "AWS_INSTANCE_IPV4", "AWS_INSTANCE_IPV6", "AWS_INSTANCE_PORT"
ENDPOINT = {IPV4: "192.0.2.44", IPV6: "2001:db8::abcd:1:2345", PORT: "8080"}
ID_CHARACTERS = string.ascii_letters + string.digits + "_/:.@-"


def with_records(policy="WEIGHTED", **ttls):
    """Return a DnsConfig: record type -> TTL."""
    return {"RoutingPolicy": policy, "DnsRecords": [{"Type": kind, "TTL": ttl} for kind, ttl in ttls.items()]}


@pytest.fixture
def records_of(record_sets):
    """Return type -> (TTL, value) of the records of a service, or of another name below it."""

    def records(namespace, service, *labels):
        found = record_sets(namespace, ".".join([*labels, service["Name"], namespace["Name"]]))
        values = {
            record["Type"]: (record["TTL"], *(value["Value"].rstrip(".") for value in record["ResourceRecords"]))
            for record in found
        }
        assert len(values) == len(found), "one instance has several records of a type"
        return values

    return records


@proves("instances.register-is-asynchronous-and-creates-records")
@for_each("kind", ["private", "public"])
@for_each(
    "ttls, attributes, values",
    {
        "A": ({"A": 77}, ENDPOINT, ["192.0.2.44"]),
        "AAAA": ({"AAAA": 78}, ENDPOINT, ["2001:db8::abcd:1:2345"]),
        "A and AAAA": ({"A": 77, "AAAA": 78}, ENDPOINT, ["192.0.2.44", "2001:db8::abcd:1:2345"]),
        "SRV": ({"SRV": 79}, ENDPOINT, ["1 1 8080 web-7.{}"]),
        "CNAME": ({"CNAME": 80}, {"AWS_INSTANCE_CNAME": "www.example.com"}, ["www.example.com"]),
    },
)
def test_register_creates_the_records_of_the_service(
    cloudmap, make_service, wait_for_success, records_of, namespace_of_kind, kind, ttls, attributes, values
):
    """REGISTER_INSTANCE creates the instance, and a record for each of the service's, with its type and TTL."""
    # servicediscovery/RegisterInstance: "For each DNS record that you define in the service that's specified by
    # ServiceId, a record is created or updated"
    namespace = namespace_of_kind(kind)
    service = make_service(namespace, DnsConfig=with_records(**ttls))
    answer = cloudmap.register_instance(ServiceId=service["Id"], InstanceId="web-7", Attributes=attributes)
    assert wait_for_success(answer["OperationId"])["Type"] == "REGISTER_INSTANCE"
    instance = cloudmap.get_instance(ServiceId=service["Id"], InstanceId="web-7")["Instance"]
    assert (instance["Id"], instance["Attributes"]) == ("web-7", attributes)
    name = f"{service['Name']}.{namespace['Name']}"
    expected = {rdtype: (ttl, value.format(name)) for (rdtype, ttl), value in zip(ttls.items(), values, strict=True)}
    assert records_of(namespace, service) == expected


@proves("instances.records-have-the-routing-policy")
@for_each("policy", ["MULTIVALUE", "WEIGHTED"])
@for_each("types", ["A", "A AAAA", "SRV"])
def test_records_have_the_routing_policy(make_service, register_all, record_sets, private_namespace, policy, types):
    """Records of a MULTIVALUE service are multivalue answers; those of a WEIGHTED service have one weight."""
    service = make_service(private_namespace, DnsConfig=with_records(policy, **dict.fromkeys(types.split(), 60)))
    register_all(service, {"i-1": ENDPOINT, "i-2": {**ENDPOINT, IPV4: "192.0.2.9", IPV6: "2001:db8::9"}})
    records = record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}")
    assert len({(record["Type"], record["SetIdentifier"]) for record in records}) == 2 * len(types.split())
    if policy == "MULTIVALUE":
        assert all(record["MultiValueAnswer"] and "Weight" not in record for record in records)
    else:
        # servicediscovery/DnsConfig.RoutingPolicy: "Currently, all records have the same weight"
        assert len({record["Weight"] for record in records}) == 1
        assert not any("MultiValueAnswer" in record for record in records)


@proves("instances.register-again-updates")
@for_each(
    "kind, first, second, value",
    {
        "A": ("A", {IPV4: "192.0.2.1"}, {IPV4: "192.0.2.2"}, "192.0.2.2"),
        "AAAA": ("AAAA", {IPV6: "2001:db8::1"}, {IPV6: "2001:db8::2"}, "2001:db8::2"),
        "SRV": ("SRV", {IPV4: "192.0.2.1", PORT: "80"}, {IPV4: "192.0.2.2", PORT: "81"}, "1 1 81 i-1.{}"),
        "CNAME": ("CNAME", {"AWS_INSTANCE_CNAME": "a.example"}, {"AWS_INSTANCE_CNAME": "b.example"}, "b.example"),
    },
)
def test_same_id_updates_instance_and_record(
    cloudmap, make_service, register, records_of, private_namespace, kind, first, second, value
):
    """Registering an instance again with other values updates it, and its record has only the new value."""
    # servicediscovery/RegisterInstanceRequest.InstanceId: "If you specify an existing InstanceId and ServiceId,
    # Cloud Map updates the existing DNS records"
    service = make_service(private_namespace, DnsConfig=with_records(**{kind: 60}))
    register(service, "i-1", first)
    register(service, "i-1", second)
    [instance] = cloudmap.list_instances(ServiceId=service["Id"])["Instances"]
    assert (instance["Id"], instance["Attributes"]) == ("i-1", second)
    assert cloudmap.get_instance(ServiceId=service["Id"], InstanceId="i-1")["Instance"]["Attributes"] == second
    assert records_of(private_namespace, service) == {
        kind: (60, value.format(f"{service['Name']}.{private_namespace['Name']}"))
    }
    if kind == "SRV":
        assert records_of(private_namespace, service, "i-1") == {"A": (60, "192.0.2.2")}


@proves("instances.register-again-updates")
def test_other_id_adds_an_instance(cloudmap, make_service, register, http_namespace):
    """An id that differs, even if only in case, is another instance."""
    service = make_service(http_namespace)["Id"]
    register(service, "i-a", {"colour": "red"})
    register(service, "i-A", {"colour": "blue"})
    found = cloudmap.list_instances(ServiceId=service)["Instances"]
    assert {instance["Id"]: instance["Attributes"]["colour"] for instance in found} == {"i-a": "red", "i-A": "blue"}


@proves("instances.register-again-replaces-attributes")
def test_omitted_attributes_are_deleted(cloudmap, make_service, register, eventually, http_namespace):
    """An instance that is registered again has the attributes of the second call only, whichever call shows them."""
    # Cloud Map Developer Guide, Updating a service instance: "you need to reregister the service instance and respecify
    # all values"
    service = make_service(http_namespace)
    second = {"size": "2", IPV4: "192.0.2.44"}
    register(service, "i-1", {"colour": "red", "size": "1", **ENDPOINT})
    register(service, "i-1", second)
    assert cloudmap.get_instance(ServiceId=service["Id"], InstanceId="i-1")["Instance"]["Attributes"] == second
    [listed] = cloudmap.list_instances(ServiceId=service["Id"])["Instances"]
    assert listed["Attributes"] == second
    names = {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}
    eventually(
        lambda: [found["Attributes"] for found in cloudmap.discover_instances(**names)["Instances"]] == [second],
        within=timeouts.DISCOVERY,
    )


@proves("instances.register-again-replaces-attributes")
def test_record_of_an_omitted_address_is_deleted(make_service, register, records_of, private_namespace):
    """When an instance with an SRV record is registered again without IPv6, its host name has no AAAA record left."""
    service = make_service(private_namespace, DnsConfig=with_records(SRV=60))
    register(service, "i-1", ENDPOINT)
    register(service, "i-1", {IPV4: "192.0.2.44", PORT: "8080"})
    assert records_of(private_namespace, service, "i-1") == {"A": (60, "192.0.2.44")}


@proves("instances.one-register-at-a-time")
def test_second_register_during_the_first_is_refused(
    cloudmap, make_service, wait_for_success, expect_duplicate, unique_name, http_namespace
):
    """While an instance is being registered another request for it raises DuplicateRequest with the operation's id."""
    # servicediscovery/RegisterInstance: "One RegisterInstance request must complete before you can submit another
    # request and specify the same service ID and instance ID."
    service = make_service(http_namespace)["Id"]
    requests = [
        {"ServiceId": service, "InstanceId": "i-1", "Attributes": {"colour": colour}, "CreatorRequestId": unique_name()}
        for colour in ("red", "blue")
    ]
    first = cloudmap.register_instance(**requests[0])
    expect_duplicate(first, lambda: cloudmap.register_instance(**requests[1]))
    wait_for_success(first)
    assert cloudmap.get_instance(ServiceId=service, InstanceId="i-1")["Instance"]["Attributes"]["colour"] == "red"


@proves("instances.one-register-at-a-time")
def test_other_instances_do_not_wait(cloudmap, make_service, wait_for_success, http_namespace):
    """Another instance, and one of the same id in another service, can be registered at the same time; each is kept."""
    first, second = make_service(http_namespace)["Id"], make_service(http_namespace)["Id"]
    instances = [(first, "i-1", "red"), (first, "i-2", "blue"), (second, "i-1", "green")]
    answers = [
        cloudmap.register_instance(ServiceId=service, InstanceId=instance, Attributes={"colour": colour})
        for service, instance, colour in instances
    ]
    for answer in answers:
        wait_for_success(answer)
    for service, instance, colour in instances:
        found = cloudmap.get_instance(ServiceId=service, InstanceId=instance)["Instance"]
        assert (found["Id"], found["Attributes"]) == (instance, {"colour": colour})


@proves("instances.one-register-at-a-time")
def test_register_again_after_the_first_is_complete(make_service, register, http_namespace):
    """After the first registration has succeeded a second one for the same instance is accepted and succeeds."""
    service = make_service(http_namespace)
    first = register(service, "i-1", {"colour": "red"})
    assert register(service, "i-1", {"colour": "blue"})["Id"] != first["Id"]


@proves("instances.retry-does-not-register-twice")
def test_repeated_request_starts_no_second_operation(
    cloudmap, make_service, wait_for_success, unique_name, http_namespace
):
    """The same request sent again during the first names the operation of the first, as an answer or as an error."""
    # servicediscovery/RegisterInstanceRequest.CreatorRequestId: "allows failed RegisterInstance requests to be retried
    # without the risk of executing the operation twice"
    service = make_service(http_namespace)["Id"]
    request = {"ServiceId": service, "InstanceId": "i-1", "Attributes": {"colour": "red"}}
    request["CreatorRequestId"] = unique_name("request")
    first = cloudmap.register_instance(**request)["OperationId"]
    try:
        second = cloudmap.register_instance(**request)["OperationId"]
    except cloudmap.exceptions.DuplicateRequest as refusal:
        second = refusal.response["DuplicateOperationId"]
    else:
        if second != first and wait_for_success(first)["UpdateDate"] <= wait_for_success(second)["CreateDate"]:
            raise Inconclusive("the first registration had ended before the second arrived; run it again")
    assert second == first
    wait_for_success(first)
    [instance] = cloudmap.list_instances(ServiceId=service)["Instances"]
    assert instance["Id"] == "i-1"


@proves("instances.id-is-limited")
@for_each("instance_id", ["a", ID_CHARACTERS[:64], ID_CHARACTERS[-64:]])
def test_ids_within_bounds_are_accepted(cloudmap, make_service, register, http_namespace, instance_id):
    """Ids of 1 character and of 64, with all letters, digits and special characters, are accepted and read back."""
    service = make_service(http_namespace)["Id"]
    register(service, instance_id, {"colour": "red"})
    assert cloudmap.get_instance(ServiceId=service, InstanceId=instance_id)["Instance"]["Id"] == instance_id


@proves("instances.id-is-limited")
def test_other_ids_are_refused(cloudmap, make_service, http_namespace):
    """An empty id, an id of 65 characters, and every other character of ASCII is refused with InvalidInput."""
    service = make_service(http_namespace)["Id"]
    others = sorted({chr(code) for code in range(32, 127)} - set(ID_CHARACTERS))
    for instance_id in ["", "a" * 65, "é", "a\n", *(f"a{other}b" for other in others)]:
        with raises("InvalidInput"):
            cloudmap.register_instance(ServiceId=service, InstanceId=instance_id, Attributes={"colour": "red"})
