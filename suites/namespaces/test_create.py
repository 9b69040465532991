"""Creation of namespaces."""

import contextlib
import json
from datetime import timedelta

from surveyor.testing import dns_config, for_each, proves, raises, timeouts

KINDS = ["http", "private", "public"]
LEEWAY = timedelta(seconds=5)
TAGS = {"k" * 128: "v" * 256, "empty": ""}


def all_namespaces(cloudmap):
    """Return the summaries of all namespaces."""
    return cloudmap.get_paginator("list_namespaces").paginate().build_full_result()["Namespaces"]


@proves("namespaces.three-types-all-discoverable")
@for_each(
    "kind, type_, config",
    {
        "HTTP": ("http", "HTTP", {}),
        "DNS_PRIVATE": ("private", "DNS_PRIVATE", {"DnsConfig": dns_config("A")}),
        "DNS_PUBLIC": ("public", "DNS_PUBLIC", {"DnsConfig": dns_config("A")}),
    },
)
def test_instances_are_discovered_in_each_type(
    cloudmap, namespace_of_kind, make_service, register_all, eventually, kind, type_, config
):
    """A namespace has the type of its create call, and DiscoverInstances finds the instances in it."""
    namespace = namespace_of_kind(kind)
    assert namespace["Type"] == type_
    assert [entry["Type"] for entry in all_namespaces(cloudmap) if entry["Id"] == namespace["Id"]] == [type_]
    service, http_name = make_service(namespace, **config), namespace["Properties"]["HttpProperties"]["HttpName"]
    register_all(service, {f"i-{number}": {"AWS_INSTANCE_IPV4": f"192.0.2.{number}"} for number in (1, 2)})

    def ids_discovered():
        found = cloudmap.discover_instances(NamespaceName=http_name, ServiceName=service["Name"])
        return sorted(instance["InstanceId"] for instance in found["Instances"])

    eventually(lambda: ids_discovered() == ["i-1", "i-2"], within=timeouts.DISCOVERY)


@proves("namespaces.shows-what-created-it")
@for_each("kind", ["http", "private_dns", "public_dns"])
def test_namespace_shows_what_created_it(cloudmap, wait_for_success, unique_name, account, vpc, kind):
    """GetNamespace shows the name, description, request id, owner and time of the create call; so do lists."""
    expected = {"Name": f"{unique_name('ns')}.surveyor.test", "Description": f"of kind {kind}"}
    request = expected | {"CreatorRequestId": unique_name("request")} | ({"Vpc": vpc} if kind == "private_dns" else {})
    operation = wait_for_success(getattr(cloudmap, f"create_{kind}_namespace")(**request))
    namespace = cloudmap.get_namespace(Id=operation["Targets"]["NAMESPACE"])["Namespace"]
    assert namespace["CreatorRequestId"] == request["CreatorRequestId"]
    assert namespace["Arn"].endswith(f":{account}:namespace/{namespace['Id']}")
    assert operation["CreateDate"] - LEEWAY <= namespace["CreateDate"] <= operation["UpdateDate"] + LEEWAY
    [summary] = [entry for entry in all_namespaces(cloudmap) if entry["Id"] == namespace["Id"]]
    assert all(summary[member] == namespace[member] for member in ("Arn", "Type", "CreateDate"))
    expected |= {"ResourceOwner": account}
    for shown in (namespace, summary):
        assert {member: shown[member] for member in expected} == expected


@proves("namespaces.named-by-id-or-arn")
@for_each(
    "kind, update",
    {"http": ("http", "http"), "private": ("private", "private_dns"), "public": ("public", "public_dns")},
)
@for_each("name", ["Id", "Arn"])
def test_namespace_is_named_by_its_id_and_its_arn(cloudmap, make_namespace, wait_for_success, kind, update, name):
    """GetNamespace, the update operations and DeleteNamespace take the id or the ARN of a namespace."""
    created = make_namespace(kind, Description="before")
    operation = getattr(cloudmap, f"update_{update}_namespace")(Id=created[name], Namespace={"Description": "after"})
    assert wait_for_success(operation)["Targets"]["NAMESPACE"] == created["Id"]
    assert cloudmap.get_namespace(Id=created[name])["Namespace"] == created | {"Description": "after"}
    assert wait_for_success(cloudmap.delete_namespace(Id=created[name]))["Targets"]["NAMESPACE"] == created["Id"]
    for each in ("Id", "Arn"):
        with raises("NamespaceNotFound"):
            cloudmap.get_namespace(Id=created[each])


@proves("namespaces.created-with-tags")
@for_each("kind", KINDS)
def test_namespace_is_created_with_tags(cloudmap, make_namespace, kind):
    """A create call sets tags with keys of up to 128 and values of up to 256 characters, and refuses longer ones."""
    namespace = make_namespace(kind, Tags=[{"Key": key, "Value": value} for key, value in TAGS.items()])
    tags = cloudmap.list_tags_for_resource(ResourceARN=namespace["Arn"])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == TAGS
    for key, value in (("k" * 129, "v"), ("k", "v" * 257)):
        with raises("InvalidInput"):
            make_namespace(kind, Tags=[{"Key": key, "Value": value}])


@proves("namespaces.service-count")
@for_each("kind", KINDS)
def test_service_count_follows_the_services(cloudmap, make_namespace, make_service, eventually, kind):
    """ServiceCount, if it is shown, counts the services of its namespace, without deleted ones."""
    namespace, other = make_namespace(kind)["Id"], make_namespace("http")["Id"]

    def counted(*counts):
        shown = [cloudmap.get_namespace(Id=each)["Namespace"].get("ServiceCount") for each in (namespace, other)]
        return shown in ([*counts], [None, None])  # AWS was seen to leave it out

    eventually(lambda: counted(0, 0), within=60)
    services = [make_service(each, Type="HTTP")["Id"] for each in (namespace, namespace, namespace, other)]
    eventually(lambda: counted(3, 1), within=60)
    cloudmap.delete_service(Id=services[0])
    eventually(lambda: counted(2, 1), within=60)


@proves("namespaces.changes-are-asynchronous")
@for_each("kind", ["http", "private_dns", "public_dns"])
def test_create_returns_only_an_operation(cloudmap, wait_for_success, unique_name, vpc, kind):
    """Each create call returns only an OperationId; when it has succeeded its Targets name the new namespace."""
    params = {"Name": f"{unique_name('ns')}.surveyor.test"} | ({"Vpc": vpc} if kind == "private_dns" else {})
    answer = getattr(cloudmap, f"create_{kind}_namespace")(**params)
    assert set(answer) - {"ResponseMetadata"} == {"OperationId"}
    namespace = wait_for_success(answer)["Targets"]["NAMESPACE"]
    assert cloudmap.get_namespace(Id=namespace)["Namespace"]["Name"] == params["Name"]


@proves("namespaces.duplicate-name-is-refused")
def test_existing_name_is_refused_with_its_namespace(cloudmap, make_namespace, unique_name):
    """A second HTTP namespace of one name raises NamespaceAlreadyExists with the id and request id of the first."""
    name, request = unique_name("ns"), unique_name("request")
    make_namespace("http")
    first = make_namespace("http", Name=name, CreatorRequestId=request)
    with raises("NamespaceAlreadyExists") as refusal:
        cloudmap.create_http_namespace(Name=name, CreatorRequestId=unique_name("request"))
    assert refusal.response["NamespaceId"] == first["Id"]
    assert refusal.response["CreatorRequestId"] == request


@proves("namespaces.private.one-name-per-vpc")
def test_second_private_namespace_of_a_name_in_one_vpc_fails(
    cloudmap, make_namespace, wait_for_operation, unique_name, vpc, second_vpc
):
    """A second private namespace of the same name is not created in the same VPC, but in another VPC."""
    name = f"{unique_name('ns')}.surveyor.test"
    first, other = [make_namespace("private", Name=name, Vpc=each)["Id"] for each in (vpc, second_vpc)]
    # Not documented: whether the call is refused at once with NamespaceAlreadyExists, or its operation fails.
    for each in (vpc, second_vpc):
        with contextlib.suppress(cloudmap.exceptions.NamespaceAlreadyExists):
            operation = wait_for_operation(
                cloudmap.create_private_dns_namespace(Name=name, Vpc=each, CreatorRequestId=unique_name("request"))
            )
            assert (operation["Status"], operation["ErrorCode"]) == ("FAIL", "CANNOT_CREATE_HOSTED_ZONE")
    assert {entry["Id"] for entry in all_namespaces(cloudmap) if entry["Name"] == name} == {first, other}


@proves("namespaces.create-can-be-retried")
@for_each("kind", ["http", "private_dns", "public_dns"])
def test_repeated_create_runs_once(cloudmap, wait_for_success, unique_name, vpc, kind):
    """A create call sent twice with one CreatorRequestId creates one namespace."""
    name = f"{unique_name('ns')}.surveyor.test"
    params = {"Name": name, "CreatorRequestId": unique_name("request")}
    params |= {"Vpc": vpc} if kind == "private_dns" else {}
    create = getattr(cloudmap, f"create_{kind}_namespace")
    first = create(**params)["OperationId"]
    # Not documented: the same answer again or DuplicateRequest, nor the answer after the first operation has ended.
    try:
        second = create(**params)["OperationId"]
    except cloudmap.exceptions.DuplicateRequest as refusal:
        second = refusal.response["DuplicateOperationId"]
    except cloudmap.exceptions.NamespaceAlreadyExists:
        second = first
    assert second == first
    namespace = wait_for_success(first)["Targets"]["NAMESPACE"]
    assert [entry["Id"] for entry in all_namespaces(cloudmap) if entry["Name"] == name] == [namespace]


@proves("namespaces.failed-create-can-be-retried")
def test_failed_create_is_retried(cloudmap, route53, wait_for_operation, wait_for_success, unique_name, vpc):
    """A create call whose operation failed succeeds with the same CreatorRequestId once the cause is removed."""
    # servicediscovery/CreatePrivateDnsNamespaceRequest.CreatorRequestId: "allows failed CreatePrivateDnsNamespace
    # requests to be retried without the risk of running the operation twice"
    params = {"Name": f"{unique_name('ns')}.surveyor.test", "Vpc": vpc, "CreatorRequestId": unique_name("request")}
    association = {"VPCRegion": cloudmap.meta.region_name, "VPCId": vpc}
    created = route53.create_hosted_zone(Name=params["Name"], CallerReference=unique_name("reference"), VPC=association)
    try:
        failed = wait_for_operation(cloudmap.create_private_dns_namespace(**params))
    except (cloudmap.exceptions.NamespaceAlreadyExists, cloudmap.exceptions.InvalidInput):
        failed = {"Status": "FAIL"}
    finally:
        route53.delete_hosted_zone(Id=created["HostedZone"]["Id"])
    assert failed["Status"] == "FAIL"
    namespace = wait_for_success(cloudmap.create_private_dns_namespace(**params))["Targets"]["NAMESPACE"]
    assert cloudmap.get_namespace(Id=namespace)["Namespace"]["Name"] == params["Name"]


@proves("namespaces.no-generic-create")
@for_each("operation, exists", [("CreateHttpNamespace", True), ("CreateNamespace", False)])
def test_create_namespace_does_not_exist(
    cloudmap, post_to_cloudmap, wait_for_operation, clock, unique_name, operation, exists
):
    """A CreateNamespace request creates nothing; the same request as CreateHttpNamespace creates a namespace."""
    name = unique_name("ns")
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"Route53AutoNaming_v20170314.{operation}",
    }
    body = {"Name": name, "CreatorRequestId": unique_name("request")}
    answer = post_to_cloudmap("/", headers, json.dumps(body).encode())
    assert (b"OperationId" in answer.body) == exists
    if exists:
        wait_for_operation(json.loads(answer.body)["OperationId"])
    else:
        clock.wait(10)
    assert (name in [entry["Name"] for entry in all_namespaces(cloudmap)]) == exists
