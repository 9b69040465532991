"""Names of services."""

from surveyor.testing import dns_config, for_each, proves, raises

A = dns_config("A")
SRV = dns_config("SRV")


@proves("services.names-are-limited")
@for_each("kind", ["http", "private"])
def test_longest_name_is_127_characters(make_service, unique_name, namespace_of_kind, kind):
    """A name of 127 characters in labels of 63 is accepted; a name of 128 raises InvalidInput."""
    name, namespace = f"{unique_name('a'):a<63}.{'b' * 63}", namespace_of_kind(kind)
    assert len(name) == 127
    assert make_service(namespace, name, Type="HTTP")["Name"] == name
    with raises("InvalidInput"):
        make_service(namespace, f"{unique_name('a'):a<63}.{'b' * 62}.c", Type="HTTP")


@proves("services.names-are-limited")
@for_each("kind", ["http", "private"])
def test_longest_label_is_63_characters(make_service, unique_name, namespace_of_kind, kind):
    """A label of 63 characters is accepted; a label of 64 raises InvalidInput."""
    name, namespace = f"{unique_name('a'):a<63}", namespace_of_kind(kind)
    assert make_service(namespace, name, Type="HTTP")["Name"] == name
    for too_long in (f"{unique_name('a'):a<64}", f"{unique_name('a')}.{'b' * 64}"):
        with raises("InvalidInput"):
            make_service(namespace, too_long, Type="HTTP")


@proves("services.names-are-limited")
@for_each("form", ["_{}", "A-b_c{}", "0.{}", "{}_", "{}.b.c.d", "{}.__"])
def test_labels_have_letters_digits_hyphens_and_underscores(make_service, unique_name, http_namespace, form):
    """Letters, digits, hyphens, underscores and several labels are accepted and read back."""
    name = form.format(unique_name("a"))
    assert make_service(http_namespace, name)["Name"] == name


@proves("services.names-are-limited")
@for_each("name", ["", "a..b", ".a", "a.", "-a", "a-", "a.-b", "a-.b", "_", "a._", "a b", "a/b", "a*", "é"])
def test_other_names_are_refused(make_service, http_namespace, name):
    """Empty labels, hyphens at the ends of a label, a single underscore and other characters raise InvalidInput."""
    with raises("InvalidInput"):
        make_service(http_namespace, name)


@proves("services.names-differing-in-case")
@for_each("kind", ["private", "public"])
def test_case_does_not_distinguish_names_in_dns(make_service, unique_name, namespace_of_kind, kind):
    """In a DNS namespace a name that differs from another only in case raises ServiceAlreadyExists."""
    namespace, name = namespace_of_kind(kind), unique_name("example")
    first = make_service(namespace, name, DnsConfig=A)
    for other in (name.upper(), name.replace("e", "E", 1)):
        with raises("ServiceAlreadyExists") as refusal:
            make_service(namespace, other, DnsConfig=A)
        assert refusal.response["ServiceId"] == first["Id"]


@proves("services.names-differing-in-case")
def test_case_distinguishes_names_in_http_namespaces(cloudmap, make_service, unique_name, http_namespace):
    """In an HTTP namespace names that differ only in case are two services."""
    name = unique_name("example")
    names = [name, name.upper(), name.replace("e", "E", 1)]
    services = [make_service(http_namespace, each) for each in names]
    assert len({service["Id"] for service in services}) == 3
    assert [cloudmap.get_service(Id=service["Id"])["Service"]["Name"] for service in services] == names


@proves("services.srv.names-follow-the-service")
@for_each("form", ["_{}._tcp", "_{}._udp"])
def test_srv_record_is_found_under_service_and_namespace(
    make_service, register, query_dns, eventually, unique_name, private_namespace, form
):
    """The SRV record of service _web._tcp is answered under that name followed by the namespace's name."""
    service = make_service(private_namespace, form.format(unique_name("web")), DnsConfig=SRV)
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_PORT": "8080"})
    name = f"{service['Name']}.{private_namespace['Name']}"

    def targets_answered():
        answer = query_dns(name, "SRV", namespace=private_namespace).answer
        return [
            (record.port, record.target.to_text(True))
            for rrset in answer
            if rrset.name.to_text(True) == name
            for record in rrset
        ]

    assert eventually(targets_answered, within=60) == [(8080, f"i-1.{name}")]
