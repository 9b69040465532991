"""Updates of namespaces."""

import dns.rcode
import dns.rdatatype
import pytest

from surveyor.testing import proves, raises, timeouts


@proves("namespaces.changes-are-asynchronous")
@pytest.mark.parametrize(("kind", "update"), [("http", "http"), ("private", "private_dns"), ("public", "public_dns")])
def test_update_returns_only_an_operation(cloudmap, make_namespace, wait_for_success, kind, update):
    """Each update call returns only an OperationId; when it has succeeded GetNamespace shows the change."""
    namespace = make_namespace(kind, Description="before")["Id"]
    answer = getattr(cloudmap, f"update_{update}_namespace")(Id=namespace, Namespace={"Description": "after"})
    assert set(answer) - {"ResponseMetadata"} == {"OperationId"}
    assert wait_for_success(answer)["Targets"]["NAMESPACE"] == namespace
    assert cloudmap.get_namespace(Id=namespace)["Namespace"]["Description"] == "after"


@proves("namespaces.http.only-description-changes")
def test_update_of_an_http_namespace_leaves_the_rest(cloudmap, make_namespace, wait_for_success):
    """UpdateHttpNamespace changes the description and nothing else that GetNamespace shows."""
    before = make_namespace("http", Description="first")
    wait_for_success(cloudmap.update_http_namespace(Id=before["Id"], Namespace={"Description": "second"}))
    assert cloudmap.get_namespace(Id=before["Id"])["Namespace"] == before | {"Description": "second"}


@proves("namespaces.http.only-description-changes")
def test_update_of_an_http_namespace_needs_a_description(cloudmap, make_namespace):
    """UpdateHttpNamespace without a description raises InvalidInput."""
    namespace = make_namespace("http", Description="kept")["Id"]
    with raises("InvalidInput"):
        cloudmap.update_http_namespace(Id=namespace, Namespace={})
    assert cloudmap.get_namespace(Id=namespace)["Namespace"]["Description"] == "kept"


@proves("namespaces.dns.soa-ttl-is-settable")
@pytest.mark.parametrize(("kind", "update"), [("private", "private_dns"), ("public", "public_dns")])
def test_negative_answers_are_cached_for_the_soa_ttl(
    cloudmap, make_namespace, wait_for_success, query_dns, eventually, kind, update
):
    """Negative answers may be cached for the SOA TTL set at creation, and after an update for the new TTL."""
    namespace = make_namespace(kind, Properties={"DnsProperties": {"SOA": {"TTL": 7}}})
    assert namespace["Properties"]["DnsProperties"]["SOA"] == {"TTL": 7}

    def negative_ttl():
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
def test_soa_record_has_the_ttl(make_namespace, query_dns, eventually, kind):
    """The SOA record itself has the TTL set at creation."""
    namespace = make_namespace(kind, Properties={"DnsProperties": {"SOA": {"TTL": 7}}})

    def soa_ttls():
        answer = query_dns(namespace["Name"], "SOA", namespace=namespace).answer
        return [rrset.ttl for rrset in answer if rrset.rdtype == dns.rdatatype.SOA]

    assert eventually(soa_ttls, within=timeouts.DNS_CHANGE) == [7]
