"""What recorded answers of AWS show and no document says, or the documents say otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from surveyor_emulator.aws.ec2 import vpcs_of
from surveyor_emulator.aws.route53.state import Route53State
from surveyor_emulator.core.settings import Delay
from tests.emulator.cloudmap.conftest import CloudMap

A = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 10}]}
WORDS = "Another operation of type {} and id {} {}"


def default_vpc(cloudmap: CloudMap) -> str:
    """Return the id of the default VPC."""
    settings = cloudmap.world.settings
    return next(iter(vpcs_of(cloudmap.world, settings.account, settings.region)))


def zone(cloudmap: CloudMap, namespace: Mapping[str, Any]) -> Any:
    """Return the hosted zone of a namespace."""
    state = cloudmap.world.in_account(Route53State, cloudmap.world.settings.account)
    return state.zones[namespace["Properties"]["DnsProperties"]["HostedZoneId"]]


def test_namespaces_have_no_count_and_empty_dns_properties(cloudmap: CloudMap) -> None:
    """There is no ServiceCount; an HTTP namespace has empty DnsProperties, in lists with an empty SOA."""
    http = cloudmap.create_namespace("Http", "shop")
    cloudmap.create_service(http, "web")
    assert http["Properties"] == {"DnsProperties": {}, "HttpProperties": {"HttpName": "shop"}}
    [listed] = cloudmap.json("ListNamespaces", {})["Namespaces"]
    assert listed["Properties"] == {"DnsProperties": {"SOA": {}}, "HttpProperties": {"HttpName": "shop"}}
    assert "ServiceCount" not in {**http, **listed, **cloudmap.json("GetNamespace", {"Id": http["Id"]})["Namespace"]}


@pytest.mark.parametrize(("kind", "ttl"), [("PrivateDns", 15), ("PublicDns", 60)])
def test_the_soa_record_has_a_short_ttl_by_default(cloudmap: CloudMap, kind: str, ttl: int) -> None:
    """Without Properties the SOA record of a private namespace has a TTL of 15 s, of a public one 60 s."""
    vpc = {"Vpc": default_vpc(cloudmap)} if kind == "PrivateDns" else {}
    created = cloudmap.create_namespace(kind, "shop.test", **vpc)
    assert created["Properties"]["DnsProperties"]["SOA"] == {"TTL": ttl}
    properties = {"DnsProperties": {"SOA": {"TTL": 7}}}
    other = cloudmap.create_namespace(kind, "other.test", Properties=properties, **vpc)
    assert [zone(cloudmap, each).soa_ttl for each in (created, other)] == [ttl, 7]


def test_a_zone_names_its_namespace(cloudmap: CloudMap) -> None:
    """The comment and the owner of a zone have the ARN of its namespace, its caller reference is the operation."""
    operation = cloudmap.finish(cloudmap.json("CreatePublicDnsNamespace", {"Name": "shop.test"}))
    namespace = cloudmap.json("GetNamespace", {"Id": operation["Targets"]["NAMESPACE"]})["Namespace"]
    found = zone(cloudmap, namespace)
    assert found.comment == f"Created by AWS Cloud Map namespace with ARN {namespace['Arn']}"
    assert (found.caller_reference, found.owner.arn) == (operation["Id"], namespace["Arn"])


def test_services_have_no_count_and_an_empty_dns_config(cloudmap: CloudMap) -> None:
    """There is no InstanceCount; DnsConfig is empty without records, and in lists it has no NamespaceId."""
    namespace = cloudmap.create_namespace("PrivateDns", "shop.test", Vpc=default_vpc(cloudmap))
    http = cloudmap.create_service(namespace, "api", Type="HTTP")
    dns = cloudmap.create_service(namespace, "web", DnsConfig=A)
    cloudmap.register(http["Id"], "i-1", colour="red")
    assert (http["DnsConfig"], dns["DnsConfig"]) == ({}, {"NamespaceId": namespace["Id"], **A})
    listed = {entry["Id"]: entry for entry in cloudmap.json("ListServices", {})["Services"]}
    assert [listed[each["Id"]]["DnsConfig"] for each in (http, dns)] == [{}, A]
    read = cloudmap.json("GetService", {"Id": http["Id"]})["Service"]
    assert not any("InstanceCount" in each for each in (http, read, *listed.values()))


def test_a_second_private_namespace_of_a_name_fails_later(cloudmap: CloudMap) -> None:
    """The call is accepted, also with the name in capitals; its operation has Route 53's error in the SDK's words."""
    vpc = default_vpc(cloudmap)
    first = cloudmap.create_namespace("PrivateDns", "shop.test", Vpc=vpc)
    for name in ("shop.test", "SHOP.test"):
        failed = cloudmap.finish(cloudmap.json("CreatePrivateDnsNamespace", {"Name": name, "Vpc": vpc}))
        assert (failed["Status"], failed["ErrorCode"]) == ("FAIL", "CANNOT_CREATE_HOSTED_ZONE")
        assert failed["ErrorMessage"].startswith(
            f"The VPC {vpc} in region us-east-1 has already been associated with the hosted zone"
            f" {zone(cloudmap, first).id} with the same domain name. (Service: AmazonRoute53; Status Code: 400;"
            " Error Code: ConflictingDomainExists; Request ID: "
        )
    assert [each["Id"] for each in cloudmap.json("ListNamespaces", {})["Namespaces"]] == [first["Id"]]
    cloudmap.create_namespace("PrivateDns", "sub.shop.test", Vpc=vpc)


@pytest.mark.parametrize(
    ("kind", "params"), [("PublicDns", {"Name": "x.example.com"}), ("PrivateDns", {"Vpc": "vpc-0"})]
)
def test_what_route_53_refuses_fails_later(cloudmap: CloudMap, kind: str, params: dict[str, str]) -> None:
    """A name that AWS reserves and an absent VPC are refused by the operation, which leaves nothing."""
    failed = cloudmap.finish(cloudmap.json(f"Create{kind}Namespace", {"Name": "shop.test", **params}))
    assert (failed["Status"], failed["ErrorCode"]) == ("FAIL", "CANNOT_CREATE_HOSTED_ZONE")
    code = "InvalidDomainName" if kind == "PublicDns" else "InvalidVPCId"
    assert f"Error Code: {code};" in failed["ErrorMessage"]
    assert cloudmap.json("ListNamespaces", {})["Namespaces"] == []
    assert failed["Id"] in [each["Id"] for each in cloudmap.json("ListOperations", {})["Operations"]]


def test_a_running_creation_blocks_its_name_for_all_types(cloudmap: CloudMap) -> None:
    """DuplicateRequest goes by name and names the request and the operation; afterwards HTTP names are refused."""
    vpc = default_vpc(cloudmap)
    running = cloudmap.json("CreatePrivateDnsNamespace", {"Name": "shop.test", "Vpc": vpc})["OperationId"]
    for kind, params in (("Http", {}), ("PublicDns", {}), ("PrivateDns", {"Vpc": "vpc-0"})):
        refusal = cloudmap.json(f"Create{kind}Namespace", {"Name": "shop.test", **params})
        assert refusal["__type"].endswith("DuplicateRequest")
        assert refusal["DuplicateOperationId"] == running
        text = refusal.get("message") or refusal["Message"]
        assert text == WORDS.format("CreatePrivateDnsNamespace", running, "is in progress")
    cloudmap.advance(60)
    first = cloudmap.json("CreateHttpNamespace", {"Name": "shop.test"})
    cloudmap.finish(first)
    refusal = cloudmap.json("CreateHttpNamespace", {"Name": "shop.test"})
    assert refusal["__type"].endswith("NamespaceAlreadyExists")
    text = refusal.get("message") or refusal["Message"]
    assert text == WORDS.format("CreateHttpNamespace", first["OperationId"], "has completed")


def test_refusals_name_the_request_in_progress(cloudmap: CloudMap) -> None:
    """Each kind of operation is named as its request, not as its type."""
    namespace = cloudmap.create_namespace("PublicDns", "shop.test")
    service = cloudmap.create_service(namespace, "web", DnsConfig=A)
    instance = {"ServiceId": service["Id"], "InstanceId": "i-1"}
    register = {**instance, "Attributes": {"AWS_INSTANCE_IPV4": "192.0.2.1"}}
    change = {"Id": namespace["Id"], "Namespace": {"Description": "new"}}
    update = {"Id": service["Id"], "Service": {"DnsConfig": {"DnsRecords": A["DnsRecords"]}}}
    for operation, params, following in (
        ("RegisterInstance", register, ("RegisterInstance", register)),
        ("DeregisterInstance", instance, ("RegisterInstance", register)),
        ("UpdateService", update, ("UpdateService", update)),
        ("UpdatePublicDnsNamespace", change, ("DeleteNamespace", {"Id": namespace["Id"]})),
    ):
        running = cloudmap.json(operation, params)
        refusal = cloudmap.json(*following)
        text = refusal.get("message") or refusal["Message"]
        assert text == WORDS.format(operation, running["OperationId"], "is in progress")
        assert cloudmap.finish(running)["Status"] == "SUCCESS"


def test_operations_of_a_deleted_namespace_are_not_listed(cloudmap: CloudMap) -> None:
    """ListOperations leaves them out, with and without a filter; GetOperation still finds them."""
    kept, deleted = cloudmap.create_namespace("Http", "kept"), cloudmap.create_namespace("Http", "deleted")
    deletion = cloudmap.finish(cloudmap.json("DeleteNamespace", {"Id": deleted["Id"]}))
    assert (deletion["Status"], deletion["Targets"]) == ("SUCCESS", {"NAMESPACE": deleted["Id"]})
    filters = [{"Name": "NAMESPACE_ID", "Values": [deleted["Id"]]}]
    assert cloudmap.json("ListOperations", {"Filters": filters})["Operations"] == []
    listed = cloudmap.json("ListOperations", {})["Operations"]
    targets = [cloudmap.json("GetOperation", {"OperationId": each["Id"]})["Operation"]["Targets"] for each in listed]
    assert targets == [{"NAMESPACE": kept["Id"]}]


def test_an_operation_names_its_owner_if_asked(cloudmap: CloudMap) -> None:
    """GetOperation has OwnerAccount only if the request has it; its id and its dates have AWS's form."""
    operation = cloudmap.finish(cloudmap.json("CreateHttpNamespace", {"Name": "shop"}))
    assert "OwnerAccount" not in operation
    account = cloudmap.world.settings.account
    named = cloudmap.json("GetOperation", {"OperationId": operation["Id"], "OwnerAccount": account})["Operation"]
    assert named == {**operation, "OwnerAccount": account}
    assert re.fullmatch("[a-z0-9]{32}-[a-z0-9]{8}", operation["Id"])
    assert all(round(operation[member], 3) == operation[member] for member in ("CreateDate", "UpdateDate"))


def test_revisions_are_beyond_the_integers_of_a_double(cloudmap: CloudMap) -> None:
    """InstancesRevision has 17 digits, in both protocols, and still rises by each change."""
    service = cloudmap.create_service(cloudmap.create_namespace("Http", "shop"), "web")
    names = {"NamespaceName": "shop", "ServiceName": "web"}
    first = cloudmap.json("DiscoverInstancesRevision", names)["InstancesRevision"]
    assert first > 2**53
    assert len(str(first)) == 17
    cloudmap.register(service["Id"], "i-1", colour="red")
    for answer in (cloudmap.json("DiscoverInstances", names), cloudmap.cbor("DiscoverInstances", names)):
        assert answer["InstancesRevision"] == first + 1


def test_an_address_beyond_those_that_records_need_is_kept_as_it_is(cloudmap: CloudMap) -> None:
    """A service with A records takes an IPv6 address too, in whatever spelling."""
    namespace = cloudmap.create_namespace("PrivateDns", "shop.test", Vpc=default_vpc(cloudmap))
    service = cloudmap.create_service(namespace, "web", DnsConfig=A)
    attributes = {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_IPV6": "2001:0db8:0000:0000:0000:abcd:0001:2345"}
    cloudmap.register(service["Id"], "i-1", **attributes)
    found = cloudmap.json("GetInstance", {"ServiceId": service["Id"], "InstanceId": "i-1"})["Instance"]
    assert found["Attributes"] == attributes


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"Type": "HTTP", "DnsConfig": A}, "When you specify an HTTP service, you can't include a DnsConfig element."),
        (
            {"DnsConfig": {"DnsRecords": [{"Type": "CNAME", "TTL": 10}]}},
            "WEIGHTED routing policy must be used with DNS Record Type CNAME",
        ),
        ({"NamespaceId": ""}, "Service namespace id cannot be null"),
    ],
)
def test_refused_services_have_the_words_of_aws(cloudmap: CloudMap, params: dict[str, Any], words: str) -> None:
    """Tools match these texts, which users have reported; nothing is created."""
    namespace = cloudmap.create_namespace("PrivateDns", "shop.test", Vpc=default_vpc(cloudmap))
    refusal = cloudmap.json("CreateService", {"Name": "web", "NamespaceId": namespace["Id"], **params})
    assert (refusal.get("message") or refusal["Message"]) == words
    assert cloudmap.json("ListServices", {})["Services"] == []


def test_refused_changes_have_the_words_of_aws(cloudmap: CloudMap) -> None:
    """So have changes of types, missing ports, deletions of what is not empty, and unknown names."""
    namespace = cloudmap.create_namespace("PublicDns", "shop.test")
    records = [{"Type": kind, "TTL": 10} for kind in ("A", "SRV")]
    service = cloudmap.create_service(
        namespace, "web", DnsConfig={"DnsRecords": records}, HealthCheckConfig={"Type": "TCP"}
    )
    instance = {"ServiceId": service["Id"], "InstanceId": "i-1"}
    address = {"AWS_INSTANCE_IPV4": "192.0.2.1"}
    refused = cloudmap.json("RegisterInstance", {**instance, "Attributes": address})
    cloudmap.register(service["Id"], "i-1", **address, AWS_INSTANCE_PORT="80")
    types = {"DnsConfig": {"DnsRecords": [{"Type": "AAAA", "TTL": 10}]}}
    check = {"DnsConfig": {"DnsRecords": records}, "HealthCheckConfig": {"Type": "HTTP"}}
    answers = [
        refused,
        cloudmap.json("UpdateService", {"Id": service["Id"], "Service": types}),
        cloudmap.json("UpdateService", {"Id": service["Id"], "Service": check}),
        cloudmap.json("DeleteService", {"Id": service["Id"]}),
        cloudmap.json("DeleteNamespace", {"Id": namespace["Id"]}),
        cloudmap.json("DiscoverInstances", {"NamespaceName": "other", "ServiceName": "web"}),
    ]
    assert [answer.get("message") or answer["Message"] for answer in answers] == [
        "A valid port number must be supplied.",
        (
            "The record types in the request must be the same as those present in the existing service. Records in the"
            " existing service are [A, SRV], but the records in the request are [AAAA]. The record types of a service"
            " cannot be changed."
        ),
        "Type of health check cannot be changed",
        "Service contains registered instances; delete the instances before deleting the service",
        "Namespace has associated services; delete the services before deleting the namespace",
        "Namespace not found",
    ]


def test_two_instances_cannot_share_an_address_in_dns(cloudmap: CloudMap) -> None:
    """The second registration fails later and leaves neither instance nor record; without records it succeeds."""
    namespace = cloudmap.create_namespace("PrivateDns", "shop.test", Vpc=default_vpc(cloudmap))
    service = cloudmap.create_service(namespace, "web", DnsConfig=A)
    attributes = {"AWS_INSTANCE_IPV4": "192.0.2.1"}
    cloudmap.register(service["Id"], "i-1", **attributes)
    second = {"ServiceId": service["Id"], "InstanceId": "i-2", "Attributes": attributes}
    failed = cloudmap.finish(cloudmap.json("RegisterInstance", second))
    assert (failed["Status"], failed["ErrorCode"]) == ("FAIL", "INVALID_CHANGE_BATCH")
    assert [each["Id"] for each in cloudmap.json("ListInstances", {"ServiceId": service["Id"]})["Instances"]] == ["i-1"]
    cloudmap.register(service["Id"], "i-1", **attributes)
    other = cloudmap.create_service(namespace, "api", Type="HTTP")
    for identity in ("i-1", "i-2"):
        cloudmap.register(other["Id"], identity, **attributes)
    assert len(cloudmap.json("ListInstances", {"ServiceId": other["Id"]})["Instances"]) == 2


def test_an_update_that_fails_changes_nothing(cloudmap: CloudMap) -> None:
    """If the quota of health checks does not suffice for all instances, none gets one, and no setting changes."""
    namespace = cloudmap.create_namespace("PublicDns", "shop.test")
    service = cloudmap.create_service(namespace, "web", DnsConfig=A)
    for number in range(cloudmap.world.settings.quotas.health_checks + 1):
        attributes = {"AWS_INSTANCE_IPV4": f"192.0.2.{number}", "AWS_INSTANCE_PORT": "80"}
        cloudmap.register(service["Id"], f"i-{number}", **attributes)
    before = cloudmap.json("GetService", {"Id": service["Id"]})
    change = {"DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 99}]}, "HealthCheckConfig": {"Type": "TCP"}}
    params = {"Id": service["Id"], "Service": {**change, "Description": "new"}}
    failed = cloudmap.finish(cloudmap.json("UpdateService", params))
    assert failed["Status"] == "FAIL"
    assert "Error Code: TooManyHealthChecks;" in failed["ErrorMessage"]
    assert cloudmap.json("GetService", {"Id": service["Id"]}) == before
    state = cloudmap.world.in_account(Route53State, cloudmap.world.settings.account)
    assert all(check.being_deleted for check in state.health_checks.values())
    records = state.records[zone(cloudmap, namespace).id].at("web.shop.test.").values()
    assert {(record.ttl, record.health_check_id) for record in records} == {(10, None)}


def test_a_namespace_may_stay_in_use_for_a_while() -> None:
    """With the setting DeleteNamespace is refused for that time after the last service, and then accepted."""
    cloudmap = CloudMap(namespace_in_use=Delay(100, 100))
    namespace = cloudmap.create_namespace("Http", "shop")
    service = cloudmap.create_service(namespace, "web")
    cloudmap.json("DeleteService", {"Id": service["Id"]})
    cloudmap.advance(99)
    assert cloudmap.json("DeleteNamespace", {"Id": namespace["Id"]})["__type"].endswith("ResourceInUse")
    cloudmap.advance(2)
    assert cloudmap.finish(cloudmap.json("DeleteNamespace", {"Id": namespace["Id"]}))["Status"] == "SUCCESS"
