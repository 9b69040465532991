"""Filters of ListNamespaces and ListServices."""

import itertools

from surveyor.testing import for_each, proves, raises

UNKNOWN = ["ns-aaaaaaaaaaaaaaaa", "ns-bbbbbbbbbbbbbbbb"]


def as_filters(filters):
    """Return request members for filters, each of them (name, values, condition or None)."""
    return [
        {"Name": name, "Values": values} | ({"Condition": condition} if condition else {})
        for name, values, condition in filters
    ]


def namespaces(cloudmap, *filters):
    """Return the ids of the namespaces that match all filters."""
    pages = cloudmap.get_paginator("list_namespaces").paginate(Filters=as_filters(filters))
    return {namespace["Id"] for page in pages for namespace in page["Namespaces"]}


def services(cloudmap, *filters):
    """Return the ids of the services that match all filters."""
    pages = cloudmap.get_paginator("list_services").paginate(Filters=as_filters(filters))
    return {service["Id"] for page in pages for service in page["Services"]}


@proves("listing.namespace-filters")
def test_type_selects_types(cloudmap, make_namespace):
    """TYPE with EQ, the default, lists one type; with BEGINS_WITH all types that begin with the value."""
    created = [make_namespace("http"), make_namespace("private"), make_namespace("public")]
    ids = {namespace["Type"]: namespace["Id"] for namespace in created}

    def found(value, condition):
        return {kind for kind, id_ in ids.items() if id_ in namespaces(cloudmap, ("TYPE", [value], condition))}

    for kind, condition in itertools.product(("HTTP", "DNS_PRIVATE", "DNS_PUBLIC"), ("EQ", None, "BEGINS_WITH")):
        assert found(kind, condition) == {kind}
    assert found("DNS_P", "BEGINS_WITH") == {"DNS_PRIVATE", "DNS_PUBLIC"}
    assert found("DNS_PU", "BEGINS_WITH") == {"DNS_PUBLIC"}
    assert found("P", "BEGINS_WITH") == set()  # both types contain it


@proves("listing.namespace-filters")
@for_each("filter_name", ["NAME", "HTTP_NAME"])
def test_names_select_names(cloudmap, make_namespace, unique_name, filter_name):
    """NAME and HTTP_NAME with EQ, the default, list one name; with BEGINS_WITH all names that begin with the value."""
    name = unique_name("ns")
    names = {"short": name, "long": f"{name}-long", "inside": f"{unique_name('ns')}-{name}"}
    ids = {label: make_namespace("http", Name=chosen)["Id"] for label, chosen in names.items()}
    for label, condition in itertools.product(names, ("EQ", None)):
        assert namespaces(cloudmap, (filter_name, [names[label]], condition)) == {ids[label]}
    assert namespaces(cloudmap, (filter_name, [f"{name}-lon"], "EQ")) == set()
    assert namespaces(cloudmap, (filter_name, [name], "BEGINS_WITH")) == {ids["short"], ids["long"]}
    assert namespaces(cloudmap, (filter_name, [f"{name}-l"], "BEGINS_WITH")) == {ids["long"]}
    assert namespaces(cloudmap, (filter_name, [names["long"]], "BEGINS_WITH")) == {ids["long"]}


@proves("listing.namespace-filters")
def test_http_name_selects_one_of_two_equal_names(cloudmap, make_namespace, unique_name, vpc, second_vpc):
    """Of two namespaces of one name HTTP_NAME with EQ, the default, lists one, and with BEGINS_WITH both."""
    name = f"{unique_name('ns')}.surveyor.test"
    first, second = make_namespace("private", Name=name, Vpc=vpc), make_namespace("private", Name=name, Vpc=second_vpc)
    both = {first["Id"], second["Id"]}
    for namespace, condition in itertools.product((first, second), ("EQ", None)):
        http_name = namespace["Properties"]["HttpProperties"]["HttpName"]
        assert namespaces(cloudmap, ("HTTP_NAME", [http_name], condition)) == {namespace["Id"]}
    assert namespaces(cloudmap, ("HTTP_NAME", [name], "BEGINS_WITH")) == both
    assert namespaces(cloudmap, ("NAME", [name], "EQ")) == both
    assert namespaces(cloudmap, ("NAME", [second["Properties"]["HttpProperties"]["HttpName"]], "EQ")) == set()


@proves("listing.namespace-filters")
@for_each("condition", ["EQ", None])
def test_resource_owner_selects_own_namespaces(cloudmap, http_namespace, condition):
    """RESOURCE_OWNER lists a namespace of the account with SELF and not with OTHER_ACCOUNTS."""
    assert http_namespace["Id"] in namespaces(cloudmap, ("RESOURCE_OWNER", ["SELF"], condition))
    assert http_namespace["Id"] not in namespaces(cloudmap, ("RESOURCE_OWNER", ["OTHER_ACCOUNTS"], condition))


@proves("listing.namespace-filters")
def test_several_namespace_filters_must_all_match(cloudmap, make_namespace, unique_name):
    """A namespace is listed if it matches every filter of the call, in whatever order they are."""
    # servicediscovery/ListNamespacesRequest.Filters: "If you specify more than one filter, a namespace must match all
    # filters to be returned"
    name = unique_name("ns")
    http = make_namespace("http", Name=f"{name}-1")["Id"]
    private = make_namespace("private", Name=f"{name}-2")["Id"]
    make_namespace("http")
    prefix, type_ = ("NAME", [name], "BEGINS_WITH"), ("TYPE", ["HTTP"], "EQ")
    cases = [
        ({http}, (prefix, type_)),
        ({private}, (("HTTP_NAME", [name], "BEGINS_WITH"), ("TYPE", ["DNS"], "BEGINS_WITH"))),
        ({http, private}, (prefix, ("RESOURCE_OWNER", ["SELF"], "EQ"))),
        (set(), (prefix, ("RESOURCE_OWNER", ["OTHER_ACCOUNTS"], "EQ"))),
        (set(), (prefix, ("TYPE", ["DNS_PUBLIC"], "EQ"))),
        ({http}, (prefix, ("RESOURCE_OWNER", ["SELF"], None), type_)),
        (set(), (prefix, ("HTTP_NAME", [f"{name}-2"], "EQ"), type_)),
    ]
    for expected, filters in cases:
        for ordered in itertools.permutations(filters):
            assert namespaces(cloudmap, *ordered) == expected


@proves("listing.namespace-filters")
@for_each(
    "name, values, condition",
    [
        ("RESOURCE_OWNER", ["SELF"], "BEGINS_WITH"),
        *[(name, ["a"], condition) for name in ("TYPE", "NAME", "HTTP_NAME") for condition in ("IN", "BETWEEN")],
        *[(name, ["HTTP", "H"], condition) for name in ("TYPE", "NAME", "HTTP_NAME") for condition in ("EQ", None)],
        *[(name, ["HTTP", "H"], "BEGINS_WITH") for name in ("TYPE", "NAME", "HTTP_NAME")],
        ("RESOURCE_OWNER", ["SELF", "OTHER_ACCOUNTS"], "EQ"),
        ("RESOURCE_OWNER", ["SELF", "OTHER_ACCOUNTS"], "IN"),
        ("ID", UNKNOWN[:1], "EQ"),
    ],
)
def test_other_namespace_filters_are_refused(cloudmap, name, values, condition):
    """Other conditions, several values for one condition and other filter names raise InvalidInput."""
    with raises("InvalidInput"):
        namespaces(cloudmap, (name, values, condition))


@proves("listing.service-filters")
@for_each("member", ["Id", "Arn"])
def test_namespace_id_selects_services_of_one_namespace(cloudmap, make_namespace, make_service, member):
    """NAMESPACE_ID, an id or an ARN, lists the services of that namespace and no others; EQ is the default."""
    namespace, other = make_namespace("http"), make_namespace("http")
    expected = {make_service(namespace)["Id"], make_service(namespace)["Id"]}
    not_expected = {make_service(other)["Id"]}
    for condition in ("EQ", None):
        assert services(cloudmap, ("NAMESPACE_ID", [namespace[member]], condition)) == expected
        assert services(cloudmap, ("NAMESPACE_ID", [other[member]], condition)) == not_expected
    assert services(cloudmap, ("NAMESPACE_ID", [namespace["Id"][:-1]], "EQ")) == set()


@proves("listing.service-filters")
def test_resource_owner_selects_own_services(cloudmap, make_service, make_namespace):
    """RESOURCE_OWNER lists an own service with SELF, not with OTHER_ACCOUNTS; two filters must both match."""
    namespace, other = make_namespace("http"), make_namespace("http")
    service, elsewhere = make_service(namespace)["Id"], make_service(other)["Id"]
    of_namespace = ("NAMESPACE_ID", [namespace["Id"]], "EQ")
    for condition in ("EQ", None):
        own, others = ("RESOURCE_OWNER", ["SELF"], condition), ("RESOURCE_OWNER", ["OTHER_ACCOUNTS"], condition)
        assert {service, elsewhere} <= services(cloudmap, own)
        assert {service, elsewhere}.isdisjoint(services(cloudmap, others))
        assert services(cloudmap, own, of_namespace) == services(cloudmap, of_namespace, own) == {service}
        assert services(cloudmap, others, of_namespace) == services(cloudmap, of_namespace, others) == set()


@proves("listing.service-filters")
@for_each(
    "name, values, condition",
    [
        ("NAME", ["a"], "EQ"),
        *[("NAMESPACE_ID", UNKNOWN[:1], condition) for condition in ("BEGINS_WITH", "IN", "BETWEEN")],
        *[("RESOURCE_OWNER", ["SELF"], condition) for condition in ("BEGINS_WITH", "IN", "BETWEEN")],
        *[("NAMESPACE_ID", UNKNOWN, condition) for condition in ("EQ", None)],
        *[("RESOURCE_OWNER", ["SELF", "OTHER_ACCOUNTS"], condition) for condition in ("EQ", None)],
    ],
)
def test_other_service_filters_are_refused(cloudmap, name, values, condition):
    """Other filter names, other conditions and several values for EQ raise InvalidInput."""
    with raises("InvalidInput"):
        services(cloudmap, (name, values, condition))


@proves("listing.shared-namespaces-by-owner")
def test_consumers_list_what_is_shared(
    cloudmap, consumer_client, make_namespace, make_service, share_namespace, eventually
):
    """A consumer lists a shared namespace and its services with OTHER_ACCOUNTS and not with SELF, and by ARN."""
    # servicediscovery/ServiceFilter.Values: "Specify the namespace ARN for namespaces that are shared with your Amazon
    # Web Services account."
    shared, private = make_namespace("http"), make_namespace("http")
    service, hidden = make_service(shared)["Id"], make_service(private)["Id"]
    share_namespace(shared)
    consumer = consumer_client("servicediscovery")
    own, others = ("RESOURCE_OWNER", ["SELF"], "EQ"), ("RESOURCE_OWNER", ["OTHER_ACCOUNTS"], "EQ")
    eventually(lambda: shared["Id"] in namespaces(consumer, others), within=60)
    eventually(lambda: service in services(consumer, others), within=60)
    assert shared["Id"] in namespaces(consumer)
    assert shared["Id"] not in namespaces(consumer, own)
    assert namespaces(consumer, others, ("NAME", [shared["Name"]], "EQ")) == {shared["Id"]}
    assert service not in services(consumer, own)
    assert services(consumer, ("NAMESPACE_ID", [shared["Arn"]], "EQ")) == {service}
    assert services(consumer, ("NAMESPACE_ID", [shared["Arn"]], "EQ"), others) == {service}
    assert private["Id"] not in namespaces(consumer)
    assert hidden not in services(consumer)
    assert shared["Id"] in namespaces(cloudmap, own)
    assert service in services(cloudmap, own)
