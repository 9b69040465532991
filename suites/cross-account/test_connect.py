"""Service Connect in a namespace of another account."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import TASK_IMAGE, proves, timeouts, workload

FOR_ECS = "arn:aws:ram::aws:permission/AWSRAMPermissionCloudMapECSFullPermission"
STRANDED = ("DEACTIVATING", "DEPROVISIONING")

Create = Callable[[str, int], dict[str, Any]]


@pytest.fixture
def create(consumer_client, unique_name):
    """Return `create(namespace, count)`, which creates a consumer's ECS service with one endpoint in the namespace."""
    ecs, ec2 = consumer_client("ecs"), consumer_client("ec2")
    cluster, family = unique_name("cluster"), unique_name("family")
    ecs.create_cluster(clusterName=cluster)
    app = {
        "name": "app",
        "image": TASK_IMAGE,
        "command": workload.command("serve"),
        "portMappings": [{"containerPort": 8080, "name": "web"}],
    }
    ecs.register_task_definition(
        family=family,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[app],
    )
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    network = {"awsvpcConfiguration": {"subnets": [subnets[0]["SubnetId"]]}}

    def make(namespace, count):
        endpoint = {"portName": "web", "discoveryName": unique_name("api"), "clientAliases": [{"port": 8080}]}
        answer = ecs.create_service(
            cluster=cluster,
            serviceName=unique_name("service"),
            taskDefinition=family,
            desiredCount=count,
            launchType="FARGATE",
            networkConfiguration=network,
            serviceConnectConfiguration={"enabled": True, "namespace": namespace, "services": [endpoint]},
        )
        return answer["service"]

    return make


@proves("cross-account.connect.needs-ecs-permission")
def test_a_shared_namespace_needs_the_ecs_permission(make_namespace, share_namespace, create):
    """A namespace shared with the default permission is refused; with the ECS permission it is accepted by ARN only."""
    ordinary, permitted = make_namespace("http"), make_namespace("http")
    share_namespace(ordinary)
    share_namespace(permitted, FOR_ECS)
    with pytest.raises(ClientError):
        create(ordinary["Arn"], 0)
    with pytest.raises(ClientError):
        create(permitted["Name"], 0)
    assert create(permitted["Arn"], 0)["status"] == "ACTIVE"


@proves("cross-account.connect.revoked-share-strands-services")
def test_a_withdrawn_share_strands_service_and_task(
    client, consumer_client, make_namespace, share_namespace, create, clock, eventually
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
    client("ram").delete_resource_share(resourceShareArn=share)
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
