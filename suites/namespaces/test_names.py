"""Names of namespaces, and their HttpNames for DiscoverInstances."""

from surveyor.testing import dns_config, for_each, proves, raises, timeouts

PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
A = dns_config("A")


def dns_name(start, length):
    """Return a name of `length` characters that begins with `start`: three labels of 63 characters and a fourth."""
    return f"{start:a<63}.{'b' * 63}.{'c' * 63}.{'d' * (length - 192)}"


@proves("namespaces.names-are-limited")
def test_http_name_has_1024_characters_at_most(make_namespace, unique_name):
    """An HTTP name of 1,024 characters is accepted; a name of 1,025 raises InvalidInput."""
    longest = f"{unique_name('ns'):a<1024}"
    assert make_namespace("http", Name=longest)["Name"] == longest
    with raises("InvalidInput"):
        make_namespace("http", Name=f"{unique_name('ns'):a<1025}")


@proves("namespaces.names-are-limited")
def test_http_name_may_have_any_printable_character(make_namespace, unique_name):
    """An HTTP name may contain every printable ASCII character, and arn: after its beginning."""
    name = f"{unique_name('Ns')}{PUNCTUATION}arn:"
    assert make_namespace("http", Name=name)["Name"] == name


@proves("namespaces.names-are-limited")
@for_each("name", ["", "arn:x", "a b", "a\tb", "é"])
def test_other_http_names_are_refused(make_namespace, name):
    """An empty name, a name that begins with arn:, and spaces or other characters raise InvalidInput."""
    with raises("InvalidInput"):
        make_namespace("http", Name=name)


@proves("namespaces.names-are-limited")
@for_each("kind", ["private", "public"])
def test_dns_name_has_253_characters_at_most(make_namespace, unique_name, kind):
    """A DNS name of 253 characters is accepted; a name of 254 raises InvalidInput."""
    with raises("InvalidInput"):
        make_namespace(kind, Name=dns_name(unique_name("ns"), 254))
    longest = dns_name(unique_name("ns"), 253)
    assert len(longest) == 253
    assert make_namespace(kind, Name=longest)["Name"] == longest


@proves("namespaces.names-are-limited")
@for_each("name", ["", "arn:x", "a b.surveyor.test", "é.surveyor.test"])
def test_other_private_names_are_refused(make_namespace, name):
    """An empty private name, a name that begins with arn:, and spaces or other characters raise InvalidInput."""
    with raises("InvalidInput"):
        make_namespace("private", Name=name)


@proves("namespaces.names-are-limited")
def test_private_name_may_be_one_label(make_namespace, unique_name):
    """A private name needs no dot."""
    name = unique_name("Ns")
    assert make_namespace("private", Name=name)["Name"] == name


@proves("namespaces.names-are-limited")
def test_public_label_has_63_characters_at_most(make_namespace, unique_name):
    """A label of 63 characters is accepted in a public name; a label of 64 raises InvalidInput."""
    name = f"{unique_name('ns'):a<63}.surveyor.test"
    assert make_namespace("public", Name=name)["Name"] == name
    for too_long in (f"{unique_name('ns'):a<64}.surveyor.test", f"{unique_name('ns')}.{'b' * 64}.test"):
        with raises("InvalidInput"):
            make_namespace("public", Name=too_long)


@proves("namespaces.names-are-limited")
def test_public_name_has_two_labels_or_more(make_namespace, unique_name):
    """A public name of two labels is accepted, and read back as it was given."""
    name = f"{unique_name('Ns')}.test"
    assert make_namespace("public", Name=name)["Name"] == name


@proves("namespaces.names-are-limited")
@for_each(
    "name",
    [
        "",
        "a",
        "surveyor-test",
        "arn:x.test",
        "a b.test",
        "_a.test",
        "-a.test",
        "a-.test",
        "a..test",
        ".a.test",
        "a.test.",
    ],
)
def test_other_public_names_are_refused(make_namespace, name):
    """Names without a dot, empty labels, hyphens at the ends of labels and other characters raise InvalidInput."""
    with raises("InvalidInput"):
        make_namespace("public", Name=name)


@proves("namespaces.http-name-tells-reused-names-apart")
@for_each("kind", ["http", "private", "public"])
def test_http_name_of_a_new_name_is_that_name(make_namespace, unique_name, kind):
    """The HttpName of a namespace is its name if that name was not used before."""
    name = f"{unique_name('ns')}.surveyor.test"
    assert make_namespace(kind, Name=name)["Properties"]["HttpProperties"]["HttpName"] == name


@proves("namespaces.http-name-tells-reused-names-apart")
def test_reused_name_gets_a_different_http_name(
    cloudmap, make_namespace, make_service, register, eventually, unique_name, vpc, second_vpc
):
    """Private namespaces of one name in two VPCs have different HttpNames, by which their instances are found."""
    name, service = f"{unique_name('ns')}.surveyor.test", unique_name("svc")
    first, second = make_namespace("private", Name=name, Vpc=vpc), make_namespace("private", Name=name, Vpc=second_vpc)
    assert first["Name"] == second["Name"] == name
    first_http_name = first["Properties"]["HttpProperties"]["HttpName"]
    second_http_name = second["Properties"]["HttpProperties"]["HttpName"]
    assert first_http_name != second_http_name
    assert second_http_name.startswith(name)
    register(make_service(first, service, DnsConfig=A), "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    register(make_service(second, service, DnsConfig=A), "i-2", {"AWS_INSTANCE_IPV4": "192.0.2.2"})

    def ids_discovered(http_name):
        found = cloudmap.discover_instances(NamespaceName=http_name, ServiceName=service)["Instances"]
        return [instance["InstanceId"] for instance in found]

    assert eventually(lambda: ids_discovered(first_http_name), within=timeouts.DISCOVERY) == ["i-1"]
    assert eventually(lambda: ids_discovered(second_http_name), within=timeouts.DISCOVERY) == ["i-2"]
