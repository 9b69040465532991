"""Namespaces and Regions."""

import pytest

from surveyor.testing import proves, raises


@proves("namespaces.regional")
def test_namespace_exists_in_its_region_only(cloudmap, client, http_namespace):
    """A namespace is listed and found in its Region and in no other Region."""
    here = cloudmap.get_paginator("list_namespaces").paginate().build_full_result()["Namespaces"]
    assert http_namespace["Id"] in [entry["Id"] for entry in here]
    elsewhere = client("servicediscovery", "us-west-2" if cloudmap.meta.region_name != "us-west-2" else "us-east-1")
    there = elsewhere.get_paginator("list_namespaces").paginate().build_full_result()["Namespaces"]
    assert http_namespace["Id"] not in [entry["Id"] for entry in there]
    with raises("NamespaceNotFound"):
        elsewhere.get_namespace(Id=http_namespace["Id"])


@proves("namespaces.regional")
@pytest.mark.parametrize(("kind", "has_zone"), [("http", False), ("private", True), ("public", True)])
def test_every_type_has_an_http_name_and_dns_types_a_zone(make_namespace, kind, has_zone):
    """Every namespace has an HttpName; only the DNS types have a HostedZoneId."""
    namespace = make_namespace(kind)
    assert namespace["Properties"]["HttpProperties"]["HttpName"] == namespace["Name"]
    # A published example shows empty DnsProperties of an HTTP namespace.
    assert bool(namespace["Properties"].get("DnsProperties", {}).get("HostedZoneId")) == has_zone
