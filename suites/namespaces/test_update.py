"""Changing namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.rcode
import dns.rdatatype
import pytest

from surveyor.testing import (
    Eventually,
    MakeNamespace,
    NamespaceKind,
    QueryDns,
    WaitForOperation,
    proves,
    raises,
    timeouts,
)

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


@proves("namespaces.changes-are-asynchronous")
@pytest.mark.parametrize(("kind", "update"), [("http", "http"), ("private", "private_dns"), ("public", "public_dns")])
def test_update_answers_with_an_operation_only(
    cloudmap: ServiceDiscoveryClient,
    make_namespace: MakeNamespace,
    wait_for_success: WaitForOperation,
    kind: NamespaceKind,
    update: str,
) -> None:
    """Each update call answers with an OperationId alone; once that has succeeded the change is there."""
    made = make_namespace(kind, Description="before")["Id"]
    answer = getattr(cloudmap, f"update_{update}_namespace")(Id=made, Namespace={"Description": "after"})
    assert set(answer) - {"ResponseMetadata"} == {"OperationId"}
    assert wait_for_success(answer)["Targets"]["NAMESPACE"] == made
    assert cloudmap.get_namespace(Id=made)["Namespace"]["Description"] == "after"


@proves("namespaces.http.only-description-changes")
def test_update_of_an_http_namespace_leaves_the_rest(
    cloudmap: ServiceDiscoveryClient, make_namespace: MakeNamespace, wait_for_success: WaitForOperation
) -> None:
    """UpdateHttpNamespace changes the description, and all else that GetNamespace shows stays as it was."""
    before = make_namespace("http", Description="first")
    wait_for_success(cloudmap.update_http_namespace(Id=before["Id"], Namespace={"Description": "second"}))
    assert cloudmap.get_namespace(Id=before["Id"])["Namespace"] == before | {"Description": "second"}


@proves("namespaces.http.only-description-changes")
def test_update_of_an_http_namespace_needs_a_description(
    cloudmap: ServiceDiscoveryClient, make_namespace: MakeNamespace
) -> None:
    """A change of an HTTP namespace that carries no description is refused with InvalidInput."""
    made = make_namespace("http", Description="kept")["Id"]
    with raises("InvalidInput"):
        cloudmap.update_http_namespace(Id=made, Namespace={})  # type: ignore[typeddict-item]  # what is tested
    assert cloudmap.get_namespace(Id=made)["Namespace"]["Description"] == "kept"


@proves("namespaces.dns.soa-ttl-is-settable")
@pytest.mark.parametrize(("kind", "update"), [("private", "private_dns"), ("public", "public_dns")])
def test_soa_ttl_is_what_negative_answers_are_kept_for(
    cloudmap: ServiceDiscoveryClient,
    make_namespace: MakeNamespace,
    wait_for_success: WaitForOperation,
    query_dns: QueryDns,
    eventually: Eventually,
    kind: NamespaceKind,
    update: str,
) -> None:
    """The TTL given at creation, and after an update the new one, is how long a name may be remembered as missing."""
    namespace = make_namespace(kind, Properties={"DnsProperties": {"SOA": {"TTL": 7}}})
    assert namespace["Properties"]["DnsProperties"]["SOA"] == {"TTL": 7}

    def negative_ttl() -> int:
        answer = query_dns(f"missing.{namespace['Name']}", "A", namespace=namespace)
        assert answer.rcode() == dns.rcode.NXDOMAIN
        [soa] = [rrset for rrset in answer.authority if rrset.rdtype == dns.rdatatype.SOA]
        return min(int(soa.ttl), int(soa[0].minimum))  # RFC 2308, section 5

    eventually(lambda: negative_ttl() == 7, within=timeouts.DNS_CHANGE)
    change = {"Properties": {"DnsProperties": {"SOA": {"TTL": 11}}}}
    wait_for_success(getattr(cloudmap, f"update_{update}_namespace")(Id=namespace["Id"], Namespace=change))
    changed = cloudmap.get_namespace(Id=namespace["Id"])["Namespace"]
    assert changed["Properties"]["DnsProperties"]["SOA"] == {"TTL": 11}
    eventually(lambda: negative_ttl() == 11, within=timeouts.DNS_CHANGE)


@proves("namespaces.dns.soa-ttl-is-settable")
@pytest.mark.parametrize("kind", ["private", "public"])
def test_soa_record_has_the_ttl(
    make_namespace: MakeNamespace, query_dns: QueryDns, eventually: Eventually, kind: NamespaceKind
) -> None:
    """The SOA record itself is answered with the TTL given."""
    namespace = make_namespace(kind, Properties={"DnsProperties": {"SOA": {"TTL": 7}}})

    def soa_ttls() -> list[int]:
        answer = query_dns(namespace["Name"], "SOA", namespace=namespace).answer
        return [rrset.ttl for rrset in answer if rrset.rdtype == dns.rdatatype.SOA]

    assert eventually(soa_ttls, within=timeouts.DNS_CHANGE) == [7]
