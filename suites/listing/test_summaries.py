"""What the entries of lists describe."""

from surveyor.testing import dns_config, for_each, proves


def entry_of(cloudmap, operation, listed, identity):
    """Return the entry of a list with that id."""
    pages = cloudmap.get_paginator(operation).paginate()
    return next(entry for page in pages for entry in page[listed] if entry["Id"] == identity)


@proves("listing.summaries-describe-resources")
@for_each("kind", ["http", "private", "public"])
def test_namespaces_are_described(cloudmap, account, make_namespace, make_service, kind):
    """ListNamespaces describes a namespace as GetNamespace does: its owner, type, names, zone and services."""
    created = make_namespace(kind, Description="of this test")
    for _ in range(2):
        make_service(created["Id"])
    found = entry_of(cloudmap, "list_namespaces", "Namespaces", created["Id"])
    members = ("Id", "Arn", "Name", "Type", "Description", "CreateDate", "ResourceOwner")
    assert {member: found[member] for member in members} == {member: created[member] for member in members}
    shown, listed = created["Properties"], found["Properties"]
    assert listed["HttpProperties"] == shown["HttpProperties"]
    zones = [each.get("DnsProperties", {}).get("HostedZoneId") for each in (listed, shown)]
    assert zones[0] == zones[1]
    assert bool(zones[0]) is (kind != "http")
    assert found.get("ServiceCount", 2) == 2  # AWS was seen to leave it out
    assert (found["Description"], found["ResourceOwner"]) == ("of this test", account)


@proves("listing.summaries-describe-resources")
def test_services_are_described(cloudmap, account, make_service, register, private_namespace, eventually):
    """ListServices describes a service as GetService does: its owner, type, DNS and health settings and instances."""
    created = make_service(
        private_namespace,
        Description="of this test",
        DnsConfig=dns_config("A", "AAAA", ttl=17, policy="WEIGHTED"),
        HealthCheckCustomConfig={"FailureThreshold": 1},
    )
    register(created, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_IPV6": "2001:db8::1"})

    def described():
        found = entry_of(cloudmap, "list_services", "Services", created["Id"])
        assert found.get("InstanceCount", 1) == 1  # AWS was seen to leave it out
        return found

    found = eventually(described, within=60)
    members = ("Id", "Arn", "Name", "Type", "Description", "CreateDate", "ResourceOwner", "CreatedByAccount",
               "HealthCheckCustomConfig")  # fmt: skip
    service = cloudmap.get_service(Id=created["Id"])["Service"]
    assert {member: found.get(member) for member in members} == {member: service[member] for member in members}
    assert found["DnsConfig"]["DnsRecords"] == service["DnsConfig"]["DnsRecords"] == created["DnsConfig"]["DnsRecords"]
    assert found["DnsConfig"]["RoutingPolicy"] == "WEIGHTED"
    assert (found["Type"], found["ResourceOwner"], found["CreatedByAccount"]) == ("DNS_HTTP", account, account)


@proves("listing.summaries-describe-resources")
def test_health_checks_are_described(cloudmap, make_service, public_namespace):
    """ListServices describes the Route 53 health check of a service as GetService does."""
    check = {"Type": "HTTP", "ResourcePath": "/up", "FailureThreshold": 3}
    created = make_service(public_namespace, DnsConfig=dns_config("A"), HealthCheckConfig=check)
    found = entry_of(cloudmap, "list_services", "Services", created["Id"])
    assert found["HealthCheckConfig"] == check
    assert cloudmap.get_service(Id=created["Id"])["Service"]["HealthCheckConfig"] == check


@proves("listing.summaries-describe-resources")
def test_instances_are_described(cloudmap, account, make_service, register, http_namespace):
    """ListInstances describes an instance as GetInstance does, and names the owner of the namespace."""
    service = make_service(http_namespace)
    register(service, "i-1", {"colour": "red", "AWS_INSTANCE_IPV4": "192.0.2.1"})
    listed = cloudmap.list_instances(ServiceId=service["Id"])
    found = cloudmap.get_instance(ServiceId=service["Id"], InstanceId="i-1")["Instance"]
    assert listed["Instances"] == [{member: found[member] for member in ("Id", "Attributes", "CreatedByAccount")}]
    assert listed["Instances"][0]["Attributes"] == {"colour": "red", "AWS_INSTANCE_IPV4": "192.0.2.1"}
    assert listed["ResourceOwner"] == listed["Instances"][0]["CreatedByAccount"] == account
