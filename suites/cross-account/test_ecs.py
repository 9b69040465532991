"""ECS in a namespace of another account: service discovery, and Service Connect."""

import pytest

from surveyor.testing import TASK_IMAGE, for_each, is_refused, proves, timeouts, workload

FOR_ECS = "arn:aws:ram::aws:permission/AWSRAMPermissionCloudMapECSFullPermission"
STRANDED = ("DEACTIVATING", "DEPROVISIONING")


@pytest.fixture
def create_consumer_service(consumer_client, unique_name):
    """Create ECS services of the consumer: `create(count, **params)`."""
    ecs, ec2 = consumer_client("ecs"), consumer_client("ec2")
    cluster, family = unique_name("cluster"), unique_name("family")
    ecs.create_cluster(clusterName=cluster)
    app = {"name": "app", "image": TASK_IMAGE, "command": workload.command("serve")}
    ecs.register_task_definition(
        family=family,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{**app, "portMappings": [{"containerPort": 8080, "name": "web"}]}],
    )
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    # A default subnet leads to an internet gateway: without a public address its tasks pull no image.
    network = {"awsvpcConfiguration": {"subnets": [subnets[0]["SubnetId"]], "assignPublicIp": "ENABLED"}}

    def create(count, **params):
        return ecs.create_service(
            cluster=cluster,
            serviceName=unique_name("service"),
            taskDefinition=family,
            desiredCount=count,
            launchType="FARGATE",
            networkConfiguration=network,
            **params,
        )["service"]

    return create


@pytest.fixture
def own_registry(consumer_cloudmap, unique_name, eventually):
    """Create a namespace and a service in the consumer's account, and return the service's ARN."""
    operation = consumer_cloudmap.create_http_namespace(Name=unique_name("own"))

    def created_namespace():
        found = consumer_cloudmap.get_operation(OperationId=operation["OperationId"])["Operation"]
        return str(found["Targets"]["NAMESPACE"]) if found["Status"] == "SUCCESS" else ""

    own = eventually(created_namespace, within=timeouts.OPERATION)
    return consumer_cloudmap.create_service(Name=unique_name("svc"), NamespaceId=own)["Service"]["Arn"]


@proves("cross-account.ecs.service-discovery-not-shared")
@for_each("permission", {"default permission": None, "ECS permission": FOR_ECS})
def test_service_discovery_needs_a_registry_of_the_same_account(
    make_namespace,
    make_service,
    share_namespace,
    consumer_cloudmap,
    create_consumer_service,
    own_registry,
    unique_name,
    permission,
):
    """A registry in a shared namespace is refused, whichever account created it; one of the consumer is accepted."""
    namespace = make_namespace("http")
    share_namespace(namespace, permission)
    by_consumer = consumer_cloudmap.create_service(Name=unique_name("svc"), NamespaceId=namespace["Arn"])["Service"]
    for registry in (make_service(namespace)["Arn"], by_consumer["Arn"]):
        assert is_refused(lambda: create_consumer_service(0, serviceRegistries=[{"registryArn": registry}]))  # noqa: B023 (called at once)
    assert create_consumer_service(0, serviceRegistries=[{"registryArn": own_registry}])["status"] == "ACTIVE"


@pytest.fixture
def create(create_consumer_service, unique_name):
    """Return `create(namespace, count)`, which creates a consumer's ECS service with one endpoint in the namespace."""

    def make(namespace, count):
        endpoint = {"portName": "web", "discoveryName": unique_name("api"), "clientAliases": [{"port": 8080}]}
        connect = {"enabled": True, "namespace": namespace, "services": [endpoint]}
        return create_consumer_service(count, serviceConnectConfiguration=connect)

    return make


@proves("cross-account.connect.needs-ecs-permission")
@for_each("kind", ["http", "private"])
def test_a_shared_namespace_needs_the_ecs_permission(make_namespace, share_namespace, invite, create, kind):
    """Unshared, not accepted, with the default permission, or by name it is refused; otherwise it is accepted."""
    ordinary, permitted, unshared, pending = (make_namespace(kind) for _ in range(4))
    share_namespace(ordinary)
    share_namespace(permitted, FOR_ECS)
    invite(pending)
    for reference in (unshared["Arn"], pending["Arn"], ordinary["Arn"], permitted["Name"]):
        assert is_refused(lambda: create(reference, 0))  # noqa: B023 (called at once)
    assert create(permitted["Arn"], 0)["status"] == "ACTIVE"


@proves("cross-account.connect.permission-allows-calls-of-ecs")
def test_the_ecs_permission_allows_what_ecs_calls(
    make_namespace, share_namespace, consumer_cloudmap, consumer_waits, unique_name
):
    """With the ECS permission the consumer may make each Cloud Map call that ECS makes for its services and tasks."""
    namespace = make_namespace("http")
    share_namespace(namespace, FOR_ECS)
    assert consumer_cloudmap.get_namespace(Id=namespace["Arn"])["Namespace"]["Id"] == namespace["Id"]
    service = consumer_cloudmap.create_service(Name=unique_name("svc"), NamespaceId=namespace["Arn"])["Service"]["Arn"]
    assert consumer_cloudmap.get_service(Id=service)["Service"]["Arn"] == service
    instance = {"ServiceId": service, "InstanceId": "i-1"}
    consumer_waits(consumer_cloudmap.register_instance(**instance, Attributes={"colour": "red"}))
    consumer_waits(consumer_cloudmap.deregister_instance(**instance))
    consumer_cloudmap.delete_service(Id=service)


@proves("cross-account.connect.revoked-share-strands-services")
@for_each("how", ["delete the share", "remove the namespace", "remove the account"])
def test_a_withdrawn_share_strands_service_and_task(
    client, consumer_client, consumer_account, make_namespace, share_namespace, create, clock, eventually, how
):
    """The service stays DRAINING, and its task DEACTIVATING or DEPROVISIONING, until the namespace is shared again."""
    ecs = consumer_client("ecs")
    namespace = make_namespace("http")
    share = share_namespace(namespace, FOR_ECS)
    service = create(namespace["Arn"], 1)
    cluster, name = service["clusterArn"], service["serviceName"]

    def task():
        arns = ecs.list_tasks(cluster=cluster, serviceName=name)["taskArns"]
        return dict(ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"][0]) if arns else None

    running = eventually(lambda: (found := task()) and found["lastStatus"] == "RUNNING" and found, within=timeouts.TASK)
    if how == "delete the share":
        client("ram").delete_resource_share(resourceShareArn=share)
    else:
        removed = (
            {"resourceArns": [namespace["Arn"]]}
            if how == "remove the namespace"
            else {"principals": [consumer_account]}
        )
        client("ram").disassociate_resource_share(resourceShareArn=share, **removed)
    ecs.delete_service(cluster=cluster, service=name, force=True)

    def states():
        [stopping_task] = ecs.describe_tasks(cluster=cluster, tasks=[running["taskArn"]])["tasks"]
        [deleted_service] = ecs.describe_services(cluster=cluster, services=[name])["services"]
        return deleted_service["status"], stopping_task["lastStatus"]

    eventually(lambda: states()[1] in STRANDED, within=timeouts.TASK)
    clock.wait(timeouts.TASK)
    status, last = states()
    assert status == "DRAINING"
    assert last in STRANDED
    share_namespace(namespace, FOR_ECS)
    eventually(lambda: states() == ("INACTIVE", "STOPPED"), within=timeouts.TASK)
