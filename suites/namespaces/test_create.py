"""Creation of namespaces."""

import contextlib
import json

import pytest

from surveyor.testing import dns_config, proves, raises, timeouts

A = dns_config("A")


@proves("namespaces.three-types-all-discoverable")
@pytest.mark.parametrize(
    ("kind", "type_", "config"),
    [("http", "HTTP", {}), ("private", "DNS_PRIVATE", {"DnsConfig": A}), ("public", "DNS_PUBLIC", {"DnsConfig": A})],
)
def test_instances_are_discovered_in_each_type(
    cloudmap, make_namespace, make_service, register, eventually, kind, type_, config
):
    """A namespace has the type of its create call, and DiscoverInstances finds the instances in it."""
    namespace = make_namespace(kind)
    assert namespace["Type"] == type_
    service = make_service(namespace, **config)
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})

    def ids_discovered():  # the HttpName of a new name is that name
        found = cloudmap.discover_instances(NamespaceName=namespace["Name"], ServiceName=service["Name"])
        return [instance["InstanceId"] for instance in found["Instances"]]

    assert eventually(ids_discovered, within=timeouts.DISCOVERY) == ["i-1"]


@proves("namespaces.changes-are-asynchronous")
@pytest.mark.parametrize("kind", ["http", "private_dns", "public_dns"])
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
    first = make_namespace("http", Name=name, CreatorRequestId=request)
    with raises("NamespaceAlreadyExists") as refusal:
        cloudmap.create_http_namespace(Name=name, CreatorRequestId=unique_name("request"))
    assert refusal.response["NamespaceId"] == first["Id"]
    assert refusal.response["CreatorRequestId"] == request


@proves("namespaces.private.one-name-per-vpc")
def test_second_private_namespace_of_a_name_in_one_vpc_fails(
    cloudmap, make_namespace, wait_for_operation, unique_name, vpc
):
    """A second private namespace of the same name in the same VPC is not created."""
    name = f"{unique_name('ns')}.surveyor.test"
    first = make_namespace("private", Name=name, Vpc=vpc)
    # Not documented: whether the call is refused at once with NamespaceAlreadyExists, or its operation fails.
    with contextlib.suppress(cloudmap.exceptions.NamespaceAlreadyExists):
        operation = wait_for_operation(
            cloudmap.create_private_dns_namespace(Name=name, Vpc=vpc, CreatorRequestId=unique_name("request"))
        )
        assert (operation["Status"], operation["ErrorCode"]) == ("FAIL", "CANNOT_CREATE_HOSTED_ZONE")
    listed = cloudmap.get_paginator("list_namespaces").paginate().build_full_result()["Namespaces"]
    assert [entry["Id"] for entry in listed if entry["Name"] == name] == [first["Id"]]


@proves("namespaces.create-can-be-retried")
def test_repeated_create_runs_once(cloudmap, wait_for_success, unique_name):
    """A create call sent twice with one CreatorRequestId creates one namespace."""
    name, request = unique_name("ns"), unique_name("request")
    first = cloudmap.create_http_namespace(Name=name, CreatorRequestId=request)["OperationId"]
    # Not documented: the same answer again or DuplicateRequest, nor the answer after the first operation has ended.
    try:
        second = cloudmap.create_http_namespace(Name=name, CreatorRequestId=request)["OperationId"]
    except cloudmap.exceptions.DuplicateRequest as refusal:
        second = refusal.response["DuplicateOperationId"]
    except cloudmap.exceptions.NamespaceAlreadyExists:
        second = first
    assert second == first
    namespace = wait_for_success(first)["Targets"]["NAMESPACE"]
    listed = cloudmap.get_paginator("list_namespaces").paginate().build_full_result()["Namespaces"]
    assert [entry["Id"] for entry in listed if entry["Name"] == name] == [namespace]


@proves("namespaces.no-generic-create")
@pytest.mark.parametrize(("operation", "exists"), [("CreateHttpNamespace", True), ("CreateNamespace", False)])
def test_create_namespace_does_not_exist(cloudmap, post_to_cloudmap, clock, unique_name, operation, exists):
    """A CreateNamespace request creates nothing; the same request as CreateHttpNamespace creates a namespace."""
    name = unique_name("ns")
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"Route53AutoNaming_v20170314.{operation}",
    }
    answer = post_to_cloudmap(
        "/", headers, json.dumps({"Name": name, "CreatorRequestId": unique_name("request")}).encode()
    )
    assert (b"OperationId" in answer.body) == exists
    clock.wait(10)
    listed = cloudmap.get_paginator("list_namespaces").paginate().build_full_result()["Namespaces"]
    assert (name in [entry["Name"] for entry in listed]) == exists
