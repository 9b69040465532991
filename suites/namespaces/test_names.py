"""Names of namespaces, and the names that DiscoverInstances knows them by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from surveyor.testing import (
    Eventually,
    MakeNamespace,
    MakeService,
    NamespaceKind,
    Register,
    UniqueName,
    proves,
    raises,
    timeouts,
)

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
A = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 60}]}


def dns_name(start: str, length: int) -> str:
    """A name of three labels of 63 characters and a fourth that makes it `length` long, beginning with `start`."""
    return f"{start:a<63}.{'b' * 63}.{'c' * 63}.{'d' * (length - 192)}"


@proves("namespaces.names-are-limited")
def test_http_name_has_1024_characters_at_most(make_namespace: MakeNamespace, unique_name: UniqueName) -> None:
    """An HTTP name of 1,024 characters is accepted, one of 1,025 is refused with InvalidInput."""
    longest = f"{unique_name('ns'):a<1024}"
    assert make_namespace("http", Name=longest)["Name"] == longest
    with raises("InvalidInput"):
        make_namespace("http", Name=f"{unique_name('ns'):a<1025}")


@proves("namespaces.names-are-limited")
def test_http_name_has_any_printable_character(make_namespace: MakeNamespace, unique_name: UniqueName) -> None:
    """Every printable ASCII character may stand in an HTTP name, and arn: not at its beginning."""
    name = f"{unique_name('Ns')}{PUNCTUATION}arn:"
    assert make_namespace("http", Name=name)["Name"] == name


@proves("namespaces.names-are-limited")
@pytest.mark.parametrize("name", ["", "arn:x", "a b", "a\tb", "é"])
def test_other_http_names_are_refused(make_namespace: MakeNamespace, name: str) -> None:
    """An empty name, one that begins with arn: and one with a space or another character raise InvalidInput."""
    with raises("InvalidInput"):
        make_namespace("http", Name=name)


@proves("namespaces.names-are-limited")
@pytest.mark.parametrize("kind", ["private", "public"])
def test_dns_name_has_253_characters_at_most(
    make_namespace: MakeNamespace, unique_name: UniqueName, kind: NamespaceKind
) -> None:
    """A DNS name of 253 characters is accepted, one of 254 is refused with InvalidInput."""
    with raises("InvalidInput"):
        make_namespace(kind, Name=dns_name(unique_name("ns"), 254))
    longest = dns_name(unique_name("ns"), 253)
    assert len(longest) == 253
    assert make_namespace(kind, Name=longest)["Name"] == longest


@proves("namespaces.names-are-limited")
@pytest.mark.parametrize("name", ["", "arn:x", "a b.surveyor.test", "é.surveyor.test"])
def test_other_private_names_are_refused(make_namespace: MakeNamespace, name: str) -> None:
    """An empty private name, one that begins with arn: and one with a space or another character: InvalidInput."""
    with raises("InvalidInput"):
        make_namespace("private", Name=name)


@proves("namespaces.names-are-limited")
def test_private_name_may_be_one_label(make_namespace: MakeNamespace, unique_name: UniqueName) -> None:
    """A private name needs no dot."""
    name = unique_name("ns")
    assert make_namespace("private", Name=name)["Name"] == name


@proves("namespaces.names-are-limited")
def test_public_label_has_63_characters_at_most(make_namespace: MakeNamespace, unique_name: UniqueName) -> None:
    """A label of 63 characters is accepted in a public name, one of 64 is refused with InvalidInput."""
    name = f"{unique_name('ns'):a<63}.surveyor.test"
    assert make_namespace("public", Name=name)["Name"] == name
    with raises("InvalidInput"):
        make_namespace("public", Name=f"{unique_name('ns'):a<64}.surveyor.test")


@proves("namespaces.names-are-limited")
@pytest.mark.parametrize(
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
def test_other_public_names_are_refused(make_namespace: MakeNamespace, name: str) -> None:
    """Names without a dot, with empty labels, hyphens at the ends of labels or other characters: InvalidInput."""
    with raises("InvalidInput"):
        make_namespace("public", Name=name)


@proves("namespaces.http-name-tells-reused-names-apart")
def test_http_name_is_the_name_at_first(make_namespace: MakeNamespace, unique_name: UniqueName) -> None:
    """The HttpName of a namespace whose name was not used before is its name."""
    name = f"{unique_name('ns')}.surveyor.test"
    assert make_namespace("private", Name=name)["Properties"]["HttpProperties"]["HttpName"] == name


@proves("namespaces.http-name-tells-reused-names-apart")
def test_reused_name_gets_an_http_name_of_its_own(
    cloudmap: ServiceDiscoveryClient,
    make_namespace: MakeNamespace,
    make_service: MakeService,
    register: Register,
    eventually: Eventually,
    unique_name: UniqueName,
    vpc: str,
    second_vpc: str,
) -> None:
    """Private namespaces of one name in two VPCs differ in HttpName, by which the instances of each are found."""
    name, service = f"{unique_name('ns')}.surveyor.test", unique_name("svc")
    first, second = make_namespace("private", Name=name, Vpc=vpc), make_namespace("private", Name=name, Vpc=second_vpc)
    assert first["Name"] == second["Name"] == name
    [one, other] = [namespace["Properties"]["HttpProperties"]["HttpName"] for namespace in (first, second)]
    assert one != other
    assert other.startswith(name)
    register(make_service(first, service, DnsConfig=A), "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    register(make_service(second, service, DnsConfig=A), "i-2", {"AWS_INSTANCE_IPV4": "192.0.2.2"})

    def ids_discovered(http_name: str) -> list[str]:
        found = cloudmap.discover_instances(NamespaceName=http_name, ServiceName=service)["Instances"]
        return [instance["InstanceId"] for instance in found]

    assert eventually(lambda: ids_discovered(one), within=timeouts.DISCOVERY) == ["i-1"]
    assert eventually(lambda: ids_discovered(other), within=timeouts.DISCOVERY) == ["i-2"]
