"""Namespaces and Regions."""

from surveyor.testing import for_each, proves, raises

KINDS = ["http", "private", "public"]


@proves("namespaces.regional")
@for_each("kind", KINDS)
def test_namespace_exists_in_its_region_only(cloudmap, client, namespace_of_kind, kind):
    """A namespace is listed and found in its Region and in no other Region."""
    namespace = namespace_of_kind(kind)["Id"]
    elsewhere = client("servicediscovery", "us-west-2" if cloudmap.meta.region_name != "us-west-2" else "us-east-1")
    here, there = [
        {entry["Id"] for entry in each.get_paginator("list_namespaces").paginate().build_full_result()["Namespaces"]}
        for each in (cloudmap, elsewhere)
    ]
    assert namespace in here - there
    with raises("NamespaceNotFound"):
        elsewhere.get_namespace(Id=namespace)


@proves("namespaces.regional")
@for_each("kind", KINDS)
def test_every_type_has_an_http_name_and_dns_types_a_zone(cloudmap, namespace_of_kind, kind):
    """Every namespace has an HttpName; only the DNS types have a HostedZoneId, also in lists."""
    namespace = namespace_of_kind(kind)
    listed = cloudmap.get_paginator("list_namespaces").paginate().build_full_result()["Namespaces"]
    [summary] = [entry for entry in listed if entry["Id"] == namespace["Id"]]
    assert namespace["Properties"]["HttpProperties"]["HttpName"].startswith(namespace["Name"])
    assert summary["Properties"]["HttpProperties"] == namespace["Properties"]["HttpProperties"]
    # A published example shows empty DnsProperties of an HTTP namespace.
    zones = [each["Properties"].get("DnsProperties", {}).get("HostedZoneId") for each in (namespace, summary)]
    assert zones[0] == zones[1]
    assert bool(zones[0]) == (kind != "http")
