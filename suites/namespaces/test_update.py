"""Updates of namespaces."""

import dns.rcode
import dns.rdatatype
from botocore.exceptions import ClientError

from surveyor.testing import Inconclusive, for_each, proves, raises, timeouts

UPDATES = {"http": ("http", "http"), "private": ("private", "private_dns"), "public": ("public", "public_dns")}
DNS_UPDATES = {kind: UPDATES[kind] for kind in ("private", "public")}


def soa_ttl(ttl):
    """Return the properties with this TTL of the SOA record."""
    return {"DnsProperties": {"SOA": {"TTL": ttl}}}


@proves("namespaces.changes-are-asynchronous")
@for_each("kind, update", UPDATES)
def test_update_returns_only_an_operation(cloudmap, make_namespace, wait_for_success, kind, update):
    """Each update call returns only an OperationId; when it has succeeded GetNamespace shows the change."""
    namespace = make_namespace(kind, Description="before")["Id"]
    answer = getattr(cloudmap, f"update_{update}_namespace")(Id=namespace, Namespace={"Description": "after"})
    assert set(answer) - {"ResponseMetadata"} == {"OperationId"}
    assert wait_for_success(answer)["Targets"]["NAMESPACE"] == namespace
    assert cloudmap.get_namespace(Id=namespace)["Namespace"]["Description"] == "after"


@proves("namespaces.running-operation-is-named")
@for_each("kind, update", UPDATES)
def test_second_update_names_the_first(cloudmap, make_namespace, wait_for_success, expect_duplicate, kind, update):
    """A second update during the same update raises DuplicateRequest with the id of the first operation."""
    namespace, change = make_namespace(kind)["Id"], {"Description": "changed"}
    update_namespace = getattr(cloudmap, f"update_{update}_namespace")
    first = update_namespace(Id=namespace, Namespace=change)
    expect_duplicate(first, lambda: update_namespace(Id=namespace, Namespace=change))
    assert wait_for_success(first)["Type"] == "UPDATE_NAMESPACE"


@proves("namespaces.update-can-be-retried")
@for_each("kind, update", UPDATES)
def test_repeated_update_runs_once(cloudmap, make_namespace, wait_for_success, unique_name, kind, update):
    """An update sent twice with one UpdaterRequestId runs once."""
    namespace, update_namespace = make_namespace(kind)["Id"], getattr(cloudmap, f"update_{update}_namespace")
    params = {"UpdaterRequestId": unique_name("request"), "Namespace": {"Description": "after"}}
    first = update_namespace(Id=namespace, **params)["OperationId"]
    # Not documented: the same answer again or DuplicateRequest.
    try:
        second = update_namespace(Id=namespace, **params)["OperationId"]
    except cloudmap.exceptions.DuplicateRequest as refusal:
        second = refusal.response["DuplicateOperationId"]
    else:
        if second != first and wait_for_success(first)["UpdateDate"] <= wait_for_success(second)["CreateDate"]:
            raise Inconclusive("the first update had ended before the second arrived; run it again")
    assert second == first
    wait_for_success(first)
    assert cloudmap.get_namespace(Id=namespace)["Namespace"]["Description"] == "after"


@proves("namespaces.request-ids-are-limited")
@for_each("kind, update", UPDATES)
def test_request_id_has_64_characters_at_most(
    cloudmap, make_namespace, make_service, wait_for_success, unique_name, kind, update
):
    """CreatorRequestId and UpdaterRequestId have up to 64 characters; 65 are refused with InvalidInput."""
    longest, change = f"{unique_name('request'):r<64}", {"Description": "changed"}
    assert len(longest) == 64
    namespace = make_namespace(kind, CreatorRequestId=longest)
    assert namespace["CreatorRequestId"] == longest
    assert make_service(namespace, Type="HTTP", CreatorRequestId=longest)["CreatorRequestId"] == longest
    update_namespace = getattr(cloudmap, f"update_{update}_namespace")
    wait_for_success(update_namespace(Id=namespace["Id"], UpdaterRequestId=longest, Namespace=change))
    with raises("InvalidInput"):
        make_namespace(kind, CreatorRequestId=f"{longest}r")
    with raises("InvalidInput"):
        make_service(namespace, Type="HTTP", CreatorRequestId=f"{longest}r")
    with raises("InvalidInput"):
        update_namespace(Id=namespace["Id"], UpdaterRequestId=f"{longest}r", Namespace=change)


@proves("namespaces.update-is-by-type")
@for_each("kind", list(UPDATES))
def test_update_operations_of_other_types_change_nothing(cloudmap, make_namespace, wait_for_operation, kind):
    """The update operations of the two other types leave a namespace as it is."""
    before = make_namespace(kind, Description="before")
    for _, update in (UPDATES[other] for other in UPDATES if other != kind):
        try:  # Not documented: how it is refused, or whether its operation fails.
            answer = getattr(cloudmap, f"update_{update}_namespace")(
                Id=before["Id"], Namespace={"Description": "after"}
            )
        except ClientError:
            continue
        assert wait_for_operation(answer)["Status"] == "FAIL"
    assert cloudmap.get_namespace(Id=before["Id"])["Namespace"] == before


@proves("namespaces.description-is-limited")
@for_each("kind, update", UPDATES)
def test_description_has_1024_characters_at_most(cloudmap, make_namespace, wait_for_success, kind, update):
    """The create and update calls accept a Description of 1,024 characters and refuse one of 1,025."""
    namespace = make_namespace(kind, Description="c" * 1024)
    assert namespace["Description"] == "c" * 1024
    update_namespace = getattr(cloudmap, f"update_{update}_namespace")
    wait_for_success(update_namespace(Id=namespace["Id"], Namespace={"Description": "u" * 1024}))
    with raises("InvalidInput"):
        make_namespace(kind, Description="c" * 1025)
    with raises("InvalidInput"):
        update_namespace(Id=namespace["Id"], Namespace={"Description": "u" * 1025})
    assert cloudmap.get_namespace(Id=namespace["Id"])["Namespace"]["Description"] == "u" * 1024


@proves("namespaces.http.only-description-changes")
def test_update_of_an_http_namespace_leaves_the_rest(cloudmap, make_namespace, make_service, wait_for_success):
    """UpdateHttpNamespace changes the description and nothing else that GetNamespace shows."""
    created, other = make_namespace("http", Description="first"), make_namespace("http", Description="other")
    make_service(created)
    before = cloudmap.get_namespace(Id=created["Id"])["Namespace"]
    for description in ("second", "third"):
        wait_for_success(cloudmap.update_http_namespace(Id=before["Id"], Namespace={"Description": description}))
        assert cloudmap.get_namespace(Id=before["Id"])["Namespace"] == before | {"Description": description}
    assert cloudmap.get_namespace(Id=other["Id"])["Namespace"] == other


@proves("namespaces.http.only-description-changes")
def test_update_of_an_http_namespace_needs_a_description(cloudmap, make_namespace):
    """UpdateHttpNamespace without a description raises InvalidInput."""
    namespace = make_namespace("http", Description="kept")["Id"]
    with raises("InvalidInput"):
        cloudmap.update_http_namespace(Id=namespace, Namespace={})
    assert cloudmap.get_namespace(Id=namespace)["Namespace"]["Description"] == "kept"


@proves("namespaces.dns.soa-ttl-is-settable")
@for_each("kind, update", DNS_UPDATES)
def test_negative_answers_are_cached_for_the_soa_ttl(
    cloudmap, make_namespace, wait_for_success, query_dns, eventually, unique_name, kind, update
):
    """Negative answers may be cached for the SOA TTL set at creation, and after an update for the new TTL."""
    # servicediscovery/SOA.TTL: "The time to live (TTL) for purposes of negative caching."
    namespace = make_namespace(kind, Properties=soa_ttl(7))
    assert namespace["Properties"]["DnsProperties"]["SOA"] == {"TTL": 7}

    def negative_ttl():
        name = f"{unique_name('missing')}.{namespace['Name']}"  # another one each time: resolvers cache them
        answer = query_dns(name, "A", namespace=namespace)
        assert answer.rcode() == dns.rcode.NXDOMAIN
        [soa] = [rrset for rrset in answer.authority if rrset.rdtype == dns.rdatatype.SOA]
        assert soa[0].minimum >= soa.ttl  # RFC 2308, section 3: the server sets the TTL to the smaller of the two
        return soa.ttl

    eventually(lambda: negative_ttl() == 7, within=timeouts.DNS_CHANGE)
    change = {"Properties": soa_ttl(11)}
    wait_for_success(getattr(cloudmap, f"update_{update}_namespace")(Id=namespace["Id"], Namespace=change))
    changed = cloudmap.get_namespace(Id=namespace["Id"])["Namespace"]
    assert changed["Properties"]["DnsProperties"]["SOA"] == {"TTL": 11}
    eventually(lambda: negative_ttl() == 11, within=timeouts.DNS_CHANGE)


@proves("namespaces.dns.soa-ttl-is-settable")
@for_each("kind, update", DNS_UPDATES)
def test_soa_record_has_the_ttl(
    cloudmap, make_namespace, wait_for_success, query_dns, record_sets, eventually, kind, update
):
    """The SOA record has the TTL set at creation, and after an update the new one; other records do not."""
    namespace = make_namespace(kind, Properties=soa_ttl(7))

    def soa_ttls():
        answer = query_dns(namespace["Name"], "SOA", namespace=namespace).answer
        return [rrset.ttl for rrset in answer if rrset.rdtype == dns.rdatatype.SOA]

    assert eventually(soa_ttls, within=timeouts.DNS_CHANGE) == [7]
    before = record_sets(namespace, namespace["Name"])
    change = {"Properties": soa_ttl(11)}
    wait_for_success(getattr(cloudmap, f"update_{update}_namespace")(Id=namespace["Id"], Namespace=change))
    after = record_sets(namespace, namespace["Name"])
    assert [record["TTL"] for record in after if record["Type"] == "SOA"] == [11]
    assert [record for record in after if record["Type"] != "SOA"] == [each for each in before if each["Type"] != "SOA"]


@proves("namespaces.dns.soa-ttl-spans-31-bits")
@for_each("kind, update", DNS_UPDATES)
def test_soa_ttl_is_within_bounds(cloudmap, make_namespace, wait_for_success, kind, update):
    """The create and update calls accept SOA TTLs from 0 to 2147483647 and refuse others with InvalidInput."""
    update_namespace = getattr(cloudmap, f"update_{update}_namespace")
    created = [make_namespace(kind, Properties=soa_ttl(ttl)) for ttl in (0, 2147483647)]
    assert [each["Properties"]["DnsProperties"]["SOA"]["TTL"] for each in created] == [0, 2147483647]

    def shown():
        return cloudmap.get_namespace(Id=created[0]["Id"])["Namespace"]["Properties"]["DnsProperties"]["SOA"]["TTL"]

    for ttl in (2147483647, 0):
        wait_for_success(update_namespace(Id=created[0]["Id"], Namespace={"Properties": soa_ttl(ttl)}))
        assert shown() == ttl
    for ttl in (-1, 2147483648):
        with raises("InvalidInput"):
            make_namespace(kind, Properties=soa_ttl(ttl))
        with raises("InvalidInput"):
            update_namespace(Id=created[0]["Id"], Namespace={"Properties": soa_ttl(ttl)})
    assert shown() == 0
