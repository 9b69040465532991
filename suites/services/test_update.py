"""Updates of services."""

import json

from surveyor.testing import dns_config, for_each, proves, raises

TCP = {"Type": "TCP", "FailureThreshold": 3}
CUSTOM = {"FailureThreshold": 1}
# Route 53 does not check private and documentation ranges; these are name servers of Route 53.
NAME_SERVERS = {
    f"i-{number}": {"AWS_INSTANCE_IPV4": f"205.251.192.{number}", "AWS_INSTANCE_PORT": "53"} for number in (1, 2)
}


def records(**ttl_by_type):
    """Return the DnsConfig of a change, with a record for each keyword."""
    return {"DnsRecords": [{"Type": kind, "TTL": ttl} for kind, ttl in ttl_by_type.items()]}


def shown(cloudmap, service):
    """Return the TTL of each record type, and the health check, that GetService shows; {} and None if none."""
    found = cloudmap.get_service(Id=service["Id"])["Service"]
    ttl_by_type = {record["Type"]: record["TTL"] for record in found.get("DnsConfig", {}).get("DnsRecords", [])}
    return ttl_by_type, found.get("HealthCheckConfig")


@proves("services.record-types-are-fixed")
@for_each(
    "before, after",
    {
        "A to AAAA": (("A",), ("AAAA",)),
        "AAAA to A": (("AAAA",), ("A",)),
        "AAAA added": (("A",), ("A", "AAAA")),
        "A to SRV": (("A",), ("SRV",)),
        "SRV to A": (("SRV",), ("A",)),
        "A to CNAME": (("A",), ("CNAME",)),
        "CNAME to A": (("CNAME",), ("A",)),
        "A added to none": ((), ("A",)),
    },
)
def test_record_type_cannot_be_changed(cloudmap, make_service, private_namespace, before, after):
    """An update to another record type is refused with InvalidInput, and the service still has its records."""
    settings = {"DnsConfig": dns_config(*before, policy="WEIGHTED")} if before else {"Type": "HTTP"}
    service = make_service(private_namespace, **settings)
    with raises("InvalidInput"):
        cloudmap.update_service(Id=service["Id"], Service={"DnsConfig": dns_config(*after, ttl=61, policy=None)})
    assert shown(cloudmap, service) == (dict.fromkeys(before, 60), None)


@proves("services.records-need-type-and-ttl")
@for_each("record", {"no Type": {"TTL": 61}, "no TTL": {"Type": "A"}})
def test_update_needs_type_and_ttl(cloudmap, make_service, private_namespace, record):
    """UpdateService refuses a record without Type or TTL with InvalidInput, and changes nothing."""
    service = make_service(private_namespace, DnsConfig=dns_config("A"))
    with raises("InvalidInput"):
        cloudmap.update_service(Id=service["Id"], Service={"DnsConfig": {"DnsRecords": [record]}})
    assert shown(cloudmap, service) == ({"A": 60}, None)


@proves("services.ttl-spans-31-bits")
def test_update_accepts_ttl_within_bounds(cloudmap, make_service, wait_for_success, private_namespace):
    """UpdateService accepts TTLs from 0 to 2147483647 and refuses others with InvalidInput."""
    service = make_service(private_namespace, DnsConfig=dns_config("A", "AAAA", ttl=60))
    for ttl in (0, 2147483647):
        change = {"DnsConfig": records(A=ttl, AAAA=2147483647 - ttl)}
        wait_for_success(cloudmap.update_service(Id=service["Id"], Service=change))
        assert shown(cloudmap, service)[0] == {"A": ttl, "AAAA": 2147483647 - ttl}
    for ttl in (-1, 2147483648):
        for change in (records(A=ttl, AAAA=60), records(A=60, AAAA=ttl)):
            with raises("InvalidInput"):
                cloudmap.update_service(Id=service["Id"], Service={"DnsConfig": change})
    assert shown(cloudmap, service)[0] == {"A": 2147483647, "AAAA": 0}


@proves("services.cname.excludes-health-check")
def test_update_adds_no_health_check_to_a_cname(cloudmap, make_service, public_namespace):
    """UpdateService with a CNAME record and HealthCheckConfig is refused with InvalidInput."""
    service = make_service(public_namespace, DnsConfig=dns_config("CNAME", policy="WEIGHTED"))
    with raises("InvalidInput"):
        cloudmap.update_service(Id=service["Id"], Service={"DnsConfig": records(CNAME=60), "HealthCheckConfig": TCP})
    assert shown(cloudmap, service) == ({"CNAME": 60}, None)


@proves("services.one-kind-of-health-check")
def test_update_adds_no_second_kind_of_check(cloudmap, make_service, public_namespace):
    """UpdateService with HealthCheckConfig is refused with InvalidInput by a service with a custom check."""
    service = make_service(public_namespace, DnsConfig=dns_config("A"), HealthCheckCustomConfig=CUSTOM)
    with raises("InvalidInput"):
        cloudmap.update_service(Id=service["Id"], Service={"DnsConfig": records(A=61), "HealthCheckConfig": TCP})
    assert shown(cloudmap, service) == ({"A": 60}, None)


@proves("services.route53-checks-not-in-private-namespaces")
def test_update_adds_no_route53_check_in_a_private_namespace(cloudmap, make_service, private_namespace):
    """UpdateService with HealthCheckConfig is refused with InvalidInput in a private namespace."""
    service = make_service(private_namespace, DnsConfig=dns_config("A"))
    with raises("InvalidInput"):
        cloudmap.update_service(Id=service["Id"], Service={"DnsConfig": records(A=61), "HealthCheckConfig": TCP})
    assert shown(cloudmap, service) == ({"A": 60}, None)


@proves("services.health-check.type-and-path", "services.health-check.threshold-is-1-to-10")
@for_each(
    "before, after",
    {
        "no type": (TCP, {"FailureThreshold": 4}),
        "unknown type": (TCP, {"Type": "CALCULATED", "FailureThreshold": 4}),
        "TCP with a path": (TCP, {"Type": "TCP", "ResourcePath": "/", "FailureThreshold": 4}),
        "threshold of 0": (TCP, {"Type": "TCP", "FailureThreshold": 0}),
        "threshold of 11": (TCP, {"Type": "TCP", "FailureThreshold": 11}),
    },
)
def test_update_refuses_invalid_health_checks(cloudmap, make_service, public_namespace, before, after):
    """UpdateService refuses with InvalidInput what CreateService refuses, and changes nothing."""
    service = make_service(public_namespace, DnsConfig=dns_config("A"), HealthCheckConfig=before)
    with raises("InvalidInput"):
        cloudmap.update_service(Id=service["Id"], Service={"DnsConfig": records(A=61), "HealthCheckConfig": after})
    assert shown(cloudmap, service) == ({"A": 60}, before)


@proves("services.health-check.type-is-fixed")
@for_each("before, after", [("HTTP", "HTTPS"), ("HTTPS", "HTTP"), ("HTTP", "TCP"), ("TCP", "HTTP"), ("TCP", "HTTPS")])
def test_type_of_a_health_check_cannot_be_changed(cloudmap, make_service, public_namespace, before, after):
    """UpdateService with another Type of health check is refused with InvalidInput and changes nothing."""
    # servicediscovery/HealthCheckConfig.Type: "You can't change the value of Type after you create a health check."
    service = make_service(public_namespace, DnsConfig=dns_config("A"), HealthCheckConfig={"Type": before})
    with raises("InvalidInput"):
        change = {"DnsConfig": records(A=61), "HealthCheckConfig": {"Type": after}}
        cloudmap.update_service(Id=service["Id"], Service=change)
    ttl_by_type, health_check = shown(cloudmap, service)
    assert (ttl_by_type, health_check["Type"]) == ({"A": 60}, before)


@proves("services.custom-health.is-set-at-creation-only")
@for_each("kind", ["private", "public"])
def test_update_does_not_remove_a_custom_check(cloudmap, make_service, wait_for_success, namespace_of_kind, kind):
    """An update without HealthCheckCustomConfig keeps it, and changes the settings that it names."""
    # servicediscovery/UpdateService: "If you omit an existing HealthCheckCustomConfig configuration from an
    # UpdateService request, the configuration isn't deleted from the service."
    service = make_service(namespace_of_kind(kind), DnsConfig=dns_config("A"), HealthCheckCustomConfig=CUSTOM)
    for change in ({"DnsConfig": records(A=15)}, {"Description": "changed"}):
        wait_for_success(cloudmap.update_service(Id=service["Id"], Service=change))
        assert "HealthCheckCustomConfig" in cloudmap.get_service(Id=service["Id"])["Service"]
        assert shown(cloudmap, service) == ({"A": 15} if "DnsConfig" in change else {}, None)


@proves("services.custom-health.is-set-at-creation-only")
def test_update_does_not_add_a_custom_check(
    cloudmap, post_to_cloudmap, make_service, wait_for_operation, private_namespace
):
    """A raw UpdateService request with HealthCheckCustomConfig does not give the service a custom check."""
    service = make_service(private_namespace, DnsConfig=dns_config("A"))
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "Route53AutoNaming_v20170314.UpdateService",
    }
    change = {"DnsConfig": records(A=15), "HealthCheckCustomConfig": CUSTOM}
    answer = post_to_cloudmap("/", headers, json.dumps({"Id": service["Id"], "Service": change}).encode())
    # Not documented: whether the member is ignored or refused.
    if b"OperationId" in answer.body:
        wait_for_operation(json.loads(answer.body)["OperationId"])
    assert "HealthCheckCustomConfig" not in cloudmap.get_service(Id=service["Id"])["Service"]


@proves("services.update.replaces-omitted-settings")
@for_each(
    "change, expected",
    {
        "description": ({"Description": "changed"}, ({}, None)),
        "records": ({"DnsConfig": records(A=60, AAAA=60)}, ({"A": 60, "AAAA": 60}, None)),
        "health check": ({"HealthCheckConfig": TCP}, ({}, TCP)),
        "both": ({"DnsConfig": records(A=60, AAAA=61), "HealthCheckConfig": TCP}, ({"A": 60, "AAAA": 61}, TCP)),
    },
)
def test_update_deletes_omitted_settings(cloudmap, make_service, wait_for_success, public_namespace, change, expected):
    """An update deletes the records and the health check that it omits, and keeps those that it names."""
    # servicediscovery/UpdateService: "If you omit any existing DnsRecords or HealthCheckConfig configurations from an
    # UpdateService request, the configurations are deleted from the service."
    service = make_service(public_namespace, DnsConfig=dns_config("A", "AAAA"), HealthCheckConfig=TCP)
    wait_for_success(cloudmap.update_service(Id=service["Id"], Service=change))
    assert shown(cloudmap, service) == expected
    if "Description" in change:
        assert cloudmap.get_service(Id=service["Id"])["Service"]["Description"] == "changed"


@proves("services.update.replaces-omitted-settings")
def test_update_deletes_omitted_records_in_private_namespaces(
    cloudmap, make_service, wait_for_success, private_namespace
):
    """In a private namespace too an update deletes the records that it omits."""
    service = make_service(private_namespace, DnsConfig=dns_config("A", "AAAA"))
    wait_for_success(cloudmap.update_service(Id=service["Id"], Service={"Description": "changed"}))
    assert shown(cloudmap, service) == ({}, None)


@proves("services.update.replaces-omitted-settings")
@for_each("kept, omitted", [("A", "AAAA"), ("AAAA", "A")])
def test_update_deletes_one_of_two_records_or_refuses(
    cloudmap, make_service, wait_for_success, private_namespace, kept, omitted
):
    """An update that omits one of two records deletes that record alone, or is refused with InvalidInput."""
    service = make_service(private_namespace, DnsConfig=dns_config(kept, omitted))
    expected = {kept: 61}
    # The documents disagree: an omitted record is deleted (UpdateService), and the record types of a service can only
    # be changed by deleting the service (Service.DnsConfig).
    try:
        wait_for_success(cloudmap.update_service(Id=service["Id"], Service={"DnsConfig": records(**expected)}))
    except cloudmap.exceptions.InvalidInput:
        expected = {kept: 60, omitted: 60}
    assert shown(cloudmap, service) == (expected, None)


@proves("services.update.changes-health-check")
def test_update_adds_changes_and_deletes_the_health_check(cloudmap, make_service, wait_for_success, public_namespace):
    """UpdateService adds a HealthCheckConfig, changes its path and threshold, and deletes it."""
    service = make_service(public_namespace, DnsConfig=dns_config("A"))
    for path, threshold in (("/a", 1), ("/a", 10), ("/b", 10)):
        config = {"Type": "HTTP", "ResourcePath": path, "FailureThreshold": threshold}
        change = {"DnsConfig": records(A=60), "HealthCheckConfig": config}
        wait_for_success(cloudmap.update_service(Id=service["Id"], Service=change))
        assert shown(cloudmap, service) == ({"A": 60}, config)
    wait_for_success(cloudmap.update_service(Id=service["Id"], Service={"DnsConfig": records(A=60)}))
    assert shown(cloudmap, service) == ({"A": 60}, None)


@proves("services.update.rewrites-instance-records")
@for_each(
    "types, attributes",
    {
        "A and AAAA": (("A", "AAAA"), {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_IPV6": "2001:db8::1"}),
        "SRV": (("SRV",), {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_PORT": "80"}),
        "CNAME": (("CNAME",), {"AWS_INSTANCE_CNAME": "target.surveyor.test"}),
    },
)
def test_update_changes_the_ttl_of_every_record(
    cloudmap, make_service, register_all, wait_for_success, record_sets, private_namespace, types, attributes
):
    """After UPDATE_SERVICE the records of all instances have the new TTLs and their old values."""
    service = make_service(private_namespace, DnsConfig=dns_config(*types, policy="WEIGHTED"))
    register_all(service, {"i-1": attributes, "i-2": attributes})

    def records_shown():
        sets = record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}")
        return {(record["Type"], record["SetIdentifier"]): record for record in sets}

    before = records_shown()
    ttl_by_type = {kind: 15 + number for number, kind in enumerate(types)}
    assert [record["TTL"] for record in before.values()] == [60, 60] * len(types)
    change = {"DnsConfig": records(**ttl_by_type)}
    operation = wait_for_success(cloudmap.update_service(Id=service["Id"], Service=change))
    assert operation["Type"] == "UPDATE_SERVICE"
    assert records_shown() == {key: record | {"TTL": ttl_by_type[key[0]]} for key, record in before.items()}


@proves("services.update.rewrites-instance-records")
def test_update_changes_the_health_check_of_every_instance(
    cloudmap, route53, make_service, register_all, wait_for_success, record_sets, public_namespace
):
    """After UPDATE_SERVICE the records of all instances name health checks with the new path and threshold, or none."""
    service = make_service(public_namespace, DnsConfig=dns_config("A"))
    register_all(service, NAME_SERVERS)

    def checks():
        sets = record_sets(public_namespace, f"{service['Name']}.{public_namespace['Name']}")
        assert len(sets) == len(NAME_SERVERS)
        identifiers = [record["HealthCheckId"] for record in sets if "HealthCheckId" in record]
        found = [
            route53.get_health_check(HealthCheckId=each)["HealthCheck"]["HealthCheckConfig"] for each in identifiers
        ]
        return sorted((check["IPAddress"], check["ResourcePath"], check["FailureThreshold"]) for check in found)

    assert checks() == []
    for path, threshold in (("/a", 3), ("/a", 5), ("/b", 5)):
        config = {"Type": "HTTP", "ResourcePath": path, "FailureThreshold": threshold}
        change = {"DnsConfig": records(A=60), "HealthCheckConfig": config}
        wait_for_success(cloudmap.update_service(Id=service["Id"], Service=change))
        assert checks() == [(each["AWS_INSTANCE_IPV4"], path, threshold) for each in NAME_SERVERS.values()]
    wait_for_success(cloudmap.update_service(Id=service["Id"], Service={"DnsConfig": records(A=60)}))
    assert checks() == []


@proves("services.update.not-in-http-namespaces")
@for_each(
    "change",
    {
        "description": {"Description": "changed"},
        "health check": {"HealthCheckConfig": TCP | {"FailureThreshold": 5}},
        "records": {"DnsConfig": records(A=60)},
    },
)
def test_service_of_an_http_namespace_cannot_be_updated(cloudmap, make_service, http_namespace, change):
    """An update in an HTTP namespace is refused with InvalidInput and changes nothing."""
    service = make_service(http_namespace, Description="unchanged", HealthCheckConfig=TCP)
    with raises("InvalidInput"):
        cloudmap.update_service(Id=service["Id"], Service=change)
    assert cloudmap.get_service(Id=service["Id"])["Service"]["Description"] == "unchanged"
    assert shown(cloudmap, service) == ({}, TCP)


@proves("namespaces.running-operation-is-named")
def test_second_update_names_the_first(cloudmap, make_service, wait_for_success, expect_duplicate, private_namespace):
    """A second UpdateService during the first raises DuplicateRequest with the id of the first operation."""
    service, change = make_service(private_namespace, DnsConfig=dns_config("A")), {"DnsConfig": records(A=15)}
    first = cloudmap.update_service(Id=service["Id"], Service=change)
    expect_duplicate(first, lambda: cloudmap.update_service(Id=service["Id"], Service=change))
    assert wait_for_success(first)["Type"] == "UPDATE_SERVICE"
