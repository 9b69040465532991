"""ECS service discovery in a namespace of another account."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import TASK_IMAGE, proves, timeouts, workload


@proves("cross-account.ecs.service-discovery-not-shared")
def test_service_discovery_needs_a_registry_of_the_same_account(
    make_namespace, make_service, share_namespace, consumer_client, unique_name, eventually
):
    """A consumer's ECS service is accepted with a registry in the same account and refused with a shared one."""
    namespace = make_namespace("http")
    share_namespace(namespace)
    shared = make_service(namespace)["Arn"]
    consumer_cloudmap, ecs, ec2 = consumer_client("servicediscovery"), consumer_client("ecs"), consumer_client("ec2")
    cluster, name = unique_name("cluster"), unique_name("family")
    ecs.create_cluster(clusterName=cluster)
    app = {"name": "app", "image": TASK_IMAGE, "command": workload.command("serve")}
    ecs.register_task_definition(
        family=name,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[app],
    )
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    network = {"awsvpcConfiguration": {"subnets": [subnets[0]["SubnetId"]]}}

    def create(registry):
        ecs.create_service(
            cluster=cluster,
            serviceName=unique_name("service"),
            taskDefinition=name,
            desiredCount=0,
            launchType="FARGATE",
            networkConfiguration=network,
            serviceRegistries=[{"registryArn": registry}],
        )

    with pytest.raises(ClientError):
        create(shared)
    operation = consumer_cloudmap.create_http_namespace(Name=unique_name("own"))

    def created_namespace():
        found = consumer_cloudmap.get_operation(OperationId=operation["OperationId"])["Operation"]
        return str(found["Targets"]["NAMESPACE"]) if found["Status"] == "SUCCESS" else ""

    own = eventually(created_namespace, within=timeouts.OPERATION)
    create(consumer_cloudmap.create_service(Name=unique_name("svc"), NamespaceId=own)["Service"]["Arn"])
