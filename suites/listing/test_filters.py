"""Filters of ListNamespaces and ListServices."""

import pytest

from surveyor.testing import proves, raises


def namespaces(cloudmap, *filters):
    """Return the ids of the namespaces that match all filters, each of them (name, values, condition or None)."""
    all_filters = [
        {"Name": name, "Values": values} | ({"Condition": condition} if condition else {})
        for name, values, condition in filters
    ]
    pages = cloudmap.get_paginator("list_namespaces").paginate(Filters=all_filters)
    return {namespace["Id"] for page in pages for namespace in page["Namespaces"]}


def services(cloudmap, **filter_):
    """Return the ids of the services that match the filter."""
    pages = cloudmap.get_paginator("list_services").paginate(Filters=[filter_])
    return {service["Id"] for page in pages for service in page["Services"]}


@proves("listing.namespace-filters")
@pytest.mark.parametrize("condition", ["EQ", None])
def test_type_selects_one_type(cloudmap, make_namespace, condition):
    """TYPE with EQ, the default, lists the namespaces of that type and no others."""
    created = [make_namespace("http"), make_namespace("private"), make_namespace("public")]
    ids = {namespace["Type"]: namespace["Id"] for namespace in created}
    for type_ in ("HTTP", "DNS_PRIVATE", "DNS_PUBLIC"):
        assert namespaces(cloudmap, ("TYPE", [type_], condition)) & set(ids.values()) == {ids[type_]}


@proves("listing.namespace-filters")
def test_type_selects_by_prefix(cloudmap, make_namespace):
    """TYPE with BEGINS_WITH lists the namespaces whose type begins with the value."""
    http, private, public = make_namespace("http"), make_namespace("private"), make_namespace("public")
    found = namespaces(cloudmap, ("TYPE", ["DNS_P"], "BEGINS_WITH"))
    assert found & {http["Id"], private["Id"], public["Id"]} == {private["Id"], public["Id"]}


@proves("listing.namespace-filters")
def test_name_selects_one_name(cloudmap, make_namespace, unique_name):
    """NAME with EQ, the default, lists the namespace of that name; with BEGINS_WITH all that begin with it."""
    name = unique_name("ns")
    short, long = make_namespace("http", Name=name)["Id"], make_namespace("http", Name=f"{name}-long")["Id"]
    assert namespaces(cloudmap, ("NAME", [name], "EQ")) == {short}
    assert namespaces(cloudmap, ("NAME", [name], None)) == {short}
    assert namespaces(cloudmap, ("NAME", [name], "BEGINS_WITH")) == {short, long}
    assert namespaces(cloudmap, ("NAME", [f"{name}-l"], "BEGINS_WITH")) == {long}


@proves("listing.namespace-filters")
def test_http_name_selects_by_the_http_name(cloudmap, make_namespace, unique_name):
    """HTTP_NAME with EQ lists the namespace of that HttpName; with BEGINS_WITH all that begin with it."""
    name = unique_name("ns")
    short, long = make_namespace("http", Name=name)["Id"], make_namespace("http", Name=f"{name}-long")["Id"]
    assert namespaces(cloudmap, ("HTTP_NAME", [name], "EQ")) == {short}
    assert namespaces(cloudmap, ("HTTP_NAME", [name], "BEGINS_WITH")) == {short, long}


@proves("listing.namespace-filters")
def test_http_name_selects_one_of_two_equal_names(cloudmap, make_namespace, unique_name, vpc, second_vpc):
    """Of two namespaces of one name HTTP_NAME with EQ, the default, lists one, and with BEGINS_WITH both."""
    name = f"{unique_name('ns')}.surveyor.test"
    first, second = make_namespace("private", Name=name, Vpc=vpc), make_namespace("private", Name=name, Vpc=second_vpc)
    http_name = second["Properties"]["HttpProperties"]["HttpName"]
    assert namespaces(cloudmap, ("HTTP_NAME", [http_name], "EQ")) == {second["Id"]}
    assert namespaces(cloudmap, ("HTTP_NAME", [http_name], None)) == {second["Id"]}
    assert namespaces(cloudmap, ("HTTP_NAME", [name], "BEGINS_WITH")) == {first["Id"], second["Id"]}
    assert namespaces(cloudmap, ("NAME", [name], "EQ")) == {first["Id"], second["Id"]}


@proves("listing.namespace-filters")
@pytest.mark.parametrize("condition", ["EQ", None])
def test_resource_owner_selects_own_namespaces(cloudmap, http_namespace, condition):
    """RESOURCE_OWNER lists a namespace of the account with SELF and not with OTHER_ACCOUNTS."""
    assert http_namespace["Id"] in namespaces(cloudmap, ("RESOURCE_OWNER", ["SELF"], condition))
    assert http_namespace["Id"] not in namespaces(cloudmap, ("RESOURCE_OWNER", ["OTHER_ACCOUNTS"], condition))


@proves("listing.namespace-filters")
def test_several_filters_must_all_match(cloudmap, make_namespace, unique_name):
    """A namespace is listed if it matches every filter of the call."""
    name = unique_name("ns")
    http = make_namespace("http", Name=f"{name}-1")["Id"]
    make_namespace("private", Name=f"{name}-2")
    make_namespace("http")
    name_filter = ("NAME", [name], "BEGINS_WITH")
    assert namespaces(cloudmap, name_filter, ("TYPE", ["HTTP"], "EQ")) == {http}
    assert namespaces(cloudmap, name_filter, ("TYPE", ["DNS_PUBLIC"], "EQ")) == set()


@proves("listing.namespace-filters")
@pytest.mark.parametrize(
    ("name", "values", "condition"),
    [
        ("RESOURCE_OWNER", ["SELF"], "BEGINS_WITH"),
        ("NAME", ["a", "b"], "EQ"),
        ("NAME", ["a", "b"], "BEGINS_WITH"),
        ("NAME", ["a", "b"], "IN"),
        ("NAME", ["a", "b"], "BETWEEN"),
        ("TYPE", ["HTTP", "DNS_PRIVATE"], "IN"),
        ("TYPE", ["HTTP", "DNS_PRIVATE"], "EQ"),
        ("ID", ["ns-aaaaaaaaaaaaaaaa"], "EQ"),
    ],
)
def test_other_namespace_filters_are_refused(cloudmap, name, values, condition):
    """Other conditions, several values for one condition and other filter names raise InvalidInput."""
    with raises("InvalidInput"):
        namespaces(cloudmap, (name, values, condition))


@proves("listing.service-filters")
@pytest.mark.parametrize("member", ["Id", "Arn"])
def test_namespace_id_selects_services_of_one_namespace(cloudmap, make_namespace, make_service, member):
    """NAMESPACE_ID, an id or an ARN, lists the services of that namespace and no others; EQ is the default."""
    namespace = make_namespace("http")
    expected = {make_service(namespace)["Id"], make_service(namespace)["Id"]}
    make_service(make_namespace("http"))
    assert services(cloudmap, Name="NAMESPACE_ID", Values=[namespace[member]], Condition="EQ") == expected
    assert services(cloudmap, Name="NAMESPACE_ID", Values=[namespace[member]]) == expected


@proves("listing.service-filters")
def test_resource_owner_selects_own_services(cloudmap, make_service, http_namespace):
    """RESOURCE_OWNER lists a service in a namespace of the account with SELF and not with OTHER_ACCOUNTS."""
    service = make_service(http_namespace)["Id"]
    assert service in services(cloudmap, Name="RESOURCE_OWNER", Values=["SELF"], Condition="EQ")
    assert service not in services(cloudmap, Name="RESOURCE_OWNER", Values=["OTHER_ACCOUNTS"], Condition="EQ")


@proves("listing.service-filters")
@pytest.mark.parametrize(
    ("name", "values", "condition"),
    [
        ("NAME", ["a"], "EQ"),
        ("NAMESPACE_ID", ["ns-"], "BEGINS_WITH"),
        ("NAMESPACE_ID", ["ns-aaaaaaaaaaaaaaaa", "ns-bbbbbbbbbbbbbbbb"], "IN"),
        ("NAMESPACE_ID", ["ns-aaaaaaaaaaaaaaaa", "ns-bbbbbbbbbbbbbbbb"], "EQ"),
        ("RESOURCE_OWNER", ["SELF"], "BEGINS_WITH"),
    ],
)
def test_other_service_filters_are_refused(cloudmap, name, values, condition):
    """Other filter names, other conditions and several values for EQ raise InvalidInput."""
    with raises("InvalidInput"):
        services(cloudmap, Name=name, Values=values, Condition=condition)
