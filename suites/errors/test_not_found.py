"""Errors for what does not exist: a separate one for each kind of resource."""

import pytest

from surveyor.testing import for_each, proves, raises

# Well-formed ids of nothing that exists.
NAMESPACE, SERVICE, OPERATION = "ns-aaaaaaaaaaaaaaaa", "srv-aaaaaaaaaaaaaaaa", f"{'a' * 32}-aaaaaaaa"
CHANGE = {"Description": "new"}


@pytest.fixture
def service(make_service, http_namespace):
    """Return a service with custom health checks."""
    return make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})


@proves("errors.not-found-by-kind")
@for_each(
    "operation, member, params",
    [
        ("get_namespace", "Id", {}),
        ("delete_namespace", "Id", {}),
        ("update_http_namespace", "Id", {"Namespace": CHANGE}),
        ("update_private_dns_namespace", "Id", {"Namespace": CHANGE}),
        ("update_public_dns_namespace", "Id", {"Namespace": CHANGE}),
        ("create_service", "NamespaceId", {"Name": "web"}),
    ],
)
def test_unknown_namespace_is_not_found(cloudmap, http_namespace, operation, member, params):
    """A call about a namespace that does not exist, named by id or by ARN, raises NamespaceNotFound."""
    for unknown in (NAMESPACE, http_namespace["Arn"].replace(http_namespace["Id"], NAMESPACE)):
        with raises("NamespaceNotFound"):
            getattr(cloudmap, operation)(**{member: unknown}, **params)


@proves("errors.not-found-by-kind")
@for_each("operation", ["discover_instances", "discover_instances_revision"])
def test_unknown_names_are_not_found(cloudmap, service, http_namespace, make_namespace, unique_name, operation):
    """Discovery by an unknown namespace name raises NamespaceNotFound, by an unknown service name ServiceNotFound."""
    discover, other = getattr(cloudmap, operation), make_namespace("http")
    discover(NamespaceName=http_namespace["Name"], ServiceName=service["Name"])
    for unknown in (unique_name("ns"), http_namespace["Id"]):
        with raises("NamespaceNotFound"):
            discover(NamespaceName=unknown, ServiceName=service["Name"])
    for namespace, unknown in ((http_namespace, unique_name("svc")), (other, service["Name"])):
        with raises("ServiceNotFound"):
            discover(NamespaceName=namespace["Name"], ServiceName=unknown)


@proves("errors.not-found-by-kind")
@for_each(
    "operation, member, params",
    [
        ("get_service", "Id", {}),
        ("delete_service", "Id", {}),
        ("update_service", "Id", {"Service": CHANGE}),
        ("list_instances", "ServiceId", {}),
        ("register_instance", "ServiceId", {"InstanceId": "i-1", "Attributes": {"colour": "red"}}),
        ("deregister_instance", "ServiceId", {"InstanceId": "i-1"}),
        ("get_instance", "ServiceId", {"InstanceId": "i-1"}),
        ("get_instances_health_status", "ServiceId", {}),
        ("update_instance_custom_health_status", "ServiceId", {"InstanceId": "i-1", "Status": "HEALTHY"}),
        ("get_service_attributes", "ServiceId", {}),
        ("update_service_attributes", "ServiceId", {"Attributes": {"owner": "billing"}}),
        ("delete_service_attributes", "ServiceId", {"Attributes": ["owner"]}),
    ],
)
def test_unknown_service_is_not_found(cloudmap, service, operation, member, params):
    """A call about a service that does not exist, named by id or by ARN, raises ServiceNotFound."""
    for unknown in (SERVICE, service["Arn"].replace(service["Id"], SERVICE)):
        with raises("ServiceNotFound"):
            getattr(cloudmap, operation)(**{member: unknown}, **params)


@proves("errors.not-found-by-kind")
@for_each(
    "operation, params",
    [
        ("get_instance", {"InstanceId": "i-1"}),
        ("deregister_instance", {"InstanceId": "i-1"}),
        ("get_instances_health_status", {"Instances": ["i-1"]}),
        ("get_instances_health_status", {"Instances": ["i-2", "i-1"]}),
        ("update_instance_custom_health_status", {"InstanceId": "i-1", "Status": "HEALTHY"}),
    ],
)
def test_unknown_instance_is_not_found(
    cloudmap, service, make_service, register, eventually, http_namespace, operation, params
):
    """A call about an instance that the service does not have, but another has, raises InstanceNotFound."""
    register(make_service(http_namespace), "i-1", {"colour": "red"})
    register(service, "i-2", {"colour": "red"})
    eventually(
        lambda: "i-2" in cloudmap.get_instances_health_status(ServiceId=service["Id"])["Status"],
        within=60,
    )
    with raises("InstanceNotFound"):
        getattr(cloudmap, operation)(ServiceId=service["Id"], **params)


@proves("errors.not-found-by-kind")
def test_unknown_operation_is_not_found(cloudmap):
    """GetOperation of an operation that does not exist raises OperationNotFound."""
    with raises("OperationNotFound"):
        cloudmap.get_operation(OperationId=OPERATION)


@proves("errors.not-found-by-kind")
@for_each(
    "operation, params",
    [
        ("list_tags_for_resource", {}),
        ("tag_resource", {"Tags": [{"Key": "team", "Value": "red"}]}),
        ("untag_resource", {"TagKeys": ["team"]}),
    ],
)
@for_each("kind", ["namespace", "service"])
def test_tags_of_an_unknown_resource_are_not_found(cloudmap, service, http_namespace, kind, operation, params):
    """A call about tags raises ResourceNotFoundException for the ARN of an unknown resource, not for a known one."""
    existing = http_namespace if kind == "namespace" else service
    getattr(cloudmap, operation)(ResourceARN=existing["Arn"], **params)
    unknown = existing["Arn"].replace(existing["Id"], NAMESPACE if kind == "namespace" else SERVICE)
    with raises("ResourceNotFoundException"):
        getattr(cloudmap, operation)(ResourceARN=unknown, **params)


@proves("errors.not-found-by-kind")
def test_deleted_resources_are_not_found(
    cloudmap, make_namespace, make_service, register, deregister, delete_emptied_namespace
):
    """An instance, a service and a namespace are not found once they are deleted, nor are their tags."""
    namespace = make_namespace("http")
    service = make_service(namespace)
    register(service, "i-1", {"colour": "red"})
    deregister(service, "i-1")
    with raises("InstanceNotFound"):
        cloudmap.get_instance(ServiceId=service["Id"], InstanceId="i-1")
    cloudmap.delete_service(Id=service["Id"])
    with raises("ServiceNotFound"):
        cloudmap.get_service(Id=service["Id"])
    delete_emptied_namespace(namespace)
    with raises("NamespaceNotFound"):
        cloudmap.get_namespace(Id=namespace["Id"])
    for resource in (namespace, service):
        with raises("ResourceNotFoundException"):
            cloudmap.list_tags_for_resource(ResourceARN=resource["Arn"])
