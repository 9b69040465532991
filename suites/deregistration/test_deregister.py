"""DeregisterInstance: what it deletes and what it keeps."""

from surveyor.testing import dns_config, for_each, proves, raises, timeouts

FIRST = {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_IPV6": "2001:db8::1", "AWS_INSTANCE_PORT": "8080"}
SECOND = {"AWS_INSTANCE_IPV4": "192.0.2.2", "AWS_INSTANCE_IPV6": "2001:db8::2", "AWS_INSTANCE_PORT": "8080"}
LOAD_BALANCER = {"AWS_ALIAS_DNS_NAME": "surveyor-1234567890.{region}.elb.amazonaws.com"}
# Route 53 does not check private and documentation ranges; these are name servers of Route 53.
NAME_SERVERS = ("205.251.192.1", "205.251.192.2")
A_DAY = 24 * 3600


@proves("deregistration.removes-own-records-only")
@for_each(
    "types, policy, first, second",
    {
        "A": ("A", "MULTIVALUE", FIRST, SECOND),
        "AAAA": ("AAAA", "MULTIVALUE", FIRST, SECOND),
        "A and AAAA": ("A AAAA", "MULTIVALUE", FIRST, SECOND),
        "same address": ("A", "WEIGHTED", FIRST, FIRST),  # AWS was seen to refuse it with MULTIVALUE
        "SRV": ("SRV", "MULTIVALUE", FIRST, SECOND),
        "weighted": ("A AAAA", "WEIGHTED", FIRST, SECOND),
        "weighted SRV": ("SRV", "WEIGHTED", FIRST, SECOND),
        "CNAME": ("CNAME", "WEIGHTED", {"AWS_INSTANCE_CNAME": "a.example"}, {"AWS_INSTANCE_CNAME": "b.example"}),
        "alias of two": ("A AAAA", "WEIGHTED", LOAD_BALANCER, SECOND),
        "address beside an alias": ("A AAAA", "WEIGHTED", FIRST, LOAD_BALANCER),
    },
)
def test_records_of_the_instance_are_deleted_and_others_stay(
    cloudmap, make_service, register, wait_for_success, record_sets, private_namespace, types, policy, first, second
):
    """DEREGISTER_INSTANCE deletes the records of the instance; those of other instances and services do not change."""
    # servicediscovery/DeregisterInstance: "Deletes the Amazon Route 53 DNS records and health check, if any, that Cloud
    # Map created for the specified instance."
    service, neighbour = (
        make_service(private_namespace, DnsConfig=dns_config(*types.split(), policy=policy)) for _ in range(2)
    )

    def records_of(service):
        name = f"{service['Name']}.{private_namespace['Name']}"
        return sorted(record_sets(private_namespace, name, f"i-1.{name}", f"i-2.{name}"), key=repr)

    first, second = (
        {key: value.format(region=cloudmap.meta.region_name) for key, value in each.items()} for each in (first, second)
    )
    register(neighbour, "i-1", first)
    register(service, "i-2", second)
    expected, of_neighbour = records_of(service), records_of(neighbour)
    register(service, "i-1", first)
    assert len(records_of(service)) > len(expected) > 0
    answer = cloudmap.deregister_instance(ServiceId=service["Id"], InstanceId="i-1")
    assert wait_for_success(answer["OperationId"])["Type"] == "DEREGISTER_INSTANCE"
    assert records_of(service) == expected
    assert records_of(neighbour) == of_neighbour


@proves("deregistration.removes-own-records-only")
@for_each("kind", ["http", "private"])
def test_instance_is_in_no_view(cloudmap, make_service, register_all, deregister, eventually, namespace_of_kind, kind):
    """A deregistered instance is in no view of the API; the other instances, and those of another service, stay."""
    namespace, dns = namespace_of_kind(kind), {} if kind == "http" else {"DnsConfig": dns_config("A")}
    service, other = (make_service(namespace, HealthCheckCustomConfig={"FailureThreshold": 1}, **dns) for _ in range(2))
    for each in (service, other):
        register_all(each, {"i-1": {"colour": "blue", **FIRST}})
        register_all(each, {"i-2": {"colour": "red", **SECOND}})
        register_all(each, {"i-3": {"colour": "blue", **SECOND, "AWS_INSTANCE_IPV4": "192.0.2.3"}})
    by_id = {"ServiceId": service["Id"]}
    names = {"NamespaceName": namespace["Name"], "ServiceName": service["Name"]}
    eventually(lambda: len(cloudmap.discover_instances(**names)["Instances"]) == 3, within=timeouts.DISCOVERY)
    eventually(lambda: len(cloudmap.get_instances_health_status(**by_id)["Status"]) == 3, within=20)
    deregister(service, "i-2")
    remaining = {"i-1", "i-3"}
    assert {instance["Id"] for instance in cloudmap.list_instances(**by_id)["Instances"]} == remaining
    for instance in remaining:
        assert cloudmap.get_instance(**by_id, InstanceId=instance)["Instance"]["Attributes"]["colour"] == "blue"
    with raises("InstanceNotFound"):
        cloudmap.get_instance(**by_id, InstanceId="i-2")
    with raises("InstanceNotFound"):
        cloudmap.update_instance_custom_health_status(**by_id, InstanceId="i-2", Status="UNHEALTHY")
    eventually(lambda: cloudmap.get_instances_health_status(**by_id)["Status"].keys() == remaining, within=20)
    with raises("InstanceNotFound"):
        cloudmap.get_instances_health_status(**by_id, Instances=["i-2"])

    def discovered(**parameters):
        return {found["InstanceId"] for found in cloudmap.discover_instances(**names, **parameters)["Instances"]}

    eventually(lambda: discovered(HealthStatus="ALL") == remaining, within=timeouts.DISCOVERY)
    assert discovered(QueryParameters={"colour": "red"}) == set()
    assert len(cloudmap.list_instances(ServiceId=other["Id"])["Instances"]) == 3


@proves("deregistration.deletes-health-check")
@for_each("kind", ["http", "public"])
def test_health_check_is_deleted_with_its_instance(
    route53, make_service, register_all, deregister, clock, fingerprint, namespace_of_kind, kind
):
    """A day after its deregistration an instance's health check is gone; that of the other instance stays."""
    # route53/DeleteHealthCheck: "The health check is deleted automatically when you deregister the instance; there can
    # be a delay of several hours"
    dns = {} if kind == "http" else {"DnsConfig": dns_config("A")}
    service = make_service(namespace_of_kind(kind), HealthCheckConfig={"Type": "TCP"}, **dns)
    port = 1024 + int(fingerprint, 16) % 60_000  # by which the checks of this test are recognised

    def checked_ports():
        pages = route53.get_paginator("list_health_checks").paginate()
        found = [check["HealthCheckConfig"].get("Port") for page in pages for check in page["HealthChecks"]]
        return [number for number in (port, port + 1) if number in found]

    endpoints = {"i-1": (NAME_SERVERS[0], port), "i-2": (NAME_SERVERS[1], port + 1)}
    register_all(
        service,
        {
            name: {"AWS_INSTANCE_IPV4": address, "AWS_INSTANCE_PORT": str(each)}
            for name, (address, each) in endpoints.items()
        },
    )
    assert checked_ports() == [port, port + 1]
    deregister(service, "i-1")
    clock.wait(A_DAY)
    assert checked_ports() == [port + 1]


@proves("deregistration.one-at-a-time")
def test_second_deregistration_during_the_first_is_refused(
    cloudmap, make_service, register_all, wait_for_success, expect_duplicate, http_namespace
):
    """While an instance is being deregistered another request raises DuplicateRequest; other instances do not wait."""
    service = make_service(http_namespace)["Id"]
    register_all(service, {"i-1": {"colour": "red"}, "i-2": {"colour": "red"}})
    first = cloudmap.deregister_instance(ServiceId=service, InstanceId="i-1")
    expect_duplicate(first, lambda: cloudmap.deregister_instance(ServiceId=service, InstanceId="i-1"), may_follow=False)
    other = cloudmap.deregister_instance(ServiceId=service, InstanceId="i-2")
    assert wait_for_success(first)["Id"] != wait_for_success(other)["Id"]
    assert not cloudmap.list_instances(ServiceId=service)["Instances"]


@proves("deregistration.unknown-instance-is-refused")
def test_instance_that_was_never_registered(cloudmap, make_service, register, http_namespace):
    """An id that was never registered raises InstanceNotFound, also if another service has such an instance."""
    service, other = make_service(http_namespace), make_service(http_namespace)
    register(other, "i-1", {"colour": "red"})
    register(service, "i-11", {"colour": "red"})
    for instance in ("i-1", "I-11"):
        with raises("InstanceNotFound"):
            cloudmap.deregister_instance(ServiceId=service["Id"], InstanceId=instance)


@proves("deregistration.unknown-instance-is-refused")
def test_instance_that_was_deregistered(cloudmap, make_service, register, deregister, http_namespace):
    """A second deregistration raises InstanceNotFound, until the instance has been registered again."""
    service = make_service(http_namespace)
    register(service, "i-1", {"colour": "red"})
    for _ in range(2):
        deregister(service, "i-1")
        with raises("InstanceNotFound"):
            cloudmap.deregister_instance(ServiceId=service["Id"], InstanceId="i-1")
        register(service, "i-1", {"size": "1"})
    assert cloudmap.get_instance(ServiceId=service["Id"], InstanceId="i-1")["Instance"]["Attributes"] == {"size": "1"}
