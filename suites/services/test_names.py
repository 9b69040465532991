"""Names of services."""

import pytest

from surveyor.testing import dns_config, proves, raises

A = dns_config("A")
SRV = dns_config("SRV")


@proves("services.names-are-limited")
def test_longest_name_is_127_characters(make_service, unique_name, http_namespace):
    """A name of 127 characters in labels of 63 is accepted; a name of 128 raises InvalidInput."""
    name = f"{unique_name('a'):a<63}.{'b' * 63}"
    assert len(name) == 127
    assert make_service(http_namespace, name)["Name"] == name
    with raises("InvalidInput"):
        make_service(http_namespace, f"{unique_name('a'):a<63}.{'b' * 62}.c")


@proves("services.names-are-limited")
def test_longest_label_is_63_characters(make_service, unique_name, http_namespace):
    """A label of 63 characters is accepted; a label of 64 raises InvalidInput."""
    name = f"{unique_name('a'):a<63}"
    assert make_service(http_namespace, name)["Name"] == name
    with raises("InvalidInput"):
        make_service(http_namespace, f"{unique_name('a'):a<64}")


@proves("services.names-are-limited")
@pytest.mark.parametrize("start", ["_a", "A-b_c", "0.a"])
def test_labels_have_letters_digits_hyphens_and_underscores(make_service, unique_name, http_namespace, start):
    """Letters, digits, hyphens, underscores and several labels are accepted and read back."""
    name = unique_name(start)
    assert make_service(http_namespace, name)["Name"] == name


@proves("services.names-are-limited")
@pytest.mark.parametrize("name", ["", "a..b", ".a", "a.", "-a", "a-", "a.-b", "a b", "a/b", "é"])
def test_other_names_are_refused(make_service, http_namespace, name):
    """Empty labels, hyphens at the ends of a label and other characters are refused with InvalidInput."""
    with raises("InvalidInput"):
        make_service(http_namespace, name)


@proves("services.names-differing-in-case")
def test_case_does_not_distinguish_names_in_dns(make_service, unique_name, private_namespace):
    """In a DNS namespace a name that differs from another only in case raises ServiceAlreadyExists."""
    name = unique_name("example")
    make_service(private_namespace, name, DnsConfig=A)
    with raises("ServiceAlreadyExists"):
        make_service(private_namespace, name.upper(), DnsConfig=A)


@proves("services.names-differing-in-case")
def test_case_distinguishes_names_in_http_namespaces(make_service, unique_name, http_namespace):
    """In an HTTP namespace names that differ only in case are two services."""
    name = unique_name("example")
    lower, upper = make_service(http_namespace, name), make_service(http_namespace, name.upper())
    assert lower["Id"] != upper["Id"]
    assert (lower["Name"], upper["Name"]) == (name, name.upper())


@proves("services.srv.names-follow-the-service")
def test_srv_record_is_found_under_service_and_namespace(
    make_service, register, query_dns, eventually, private_namespace
):
    """The SRV record of service _web._tcp is answered under that name followed by the namespace's name."""
    service = make_service(private_namespace, "_web._tcp", DnsConfig=SRV)
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_PORT": "8080"})
    name = f"_web._tcp.{private_namespace['Name']}"

    def ports_answered():
        answer = query_dns(name, "SRV", namespace=private_namespace).answer
        return [record.port for rrset in answer if rrset.name.to_text(True) == name for record in rrset]

    assert eventually(ports_answered, within=60) == [8080]
