"""What AWS refuses: in the words that tools look for, with a code of ECS, and without a change."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.session import Session

from surveyor_emulator.aws import ecs as aws_ecs
from tests.emulator.ecs.conftest import Ecs


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    """Return code and message of the error that a call gets."""
    with pytest.raises(ClientError) as refused:
        call()
    error = refused.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


def registry(ecs: Ecs, *types: str) -> str:
    """Create a Cloud Map service with records of these types in a new private namespace; return its ARN."""
    vpc = ecs.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    started = ecs.cloudmap.create_private_dns_namespace(Name=f"{'-'.join(types).lower()}.internal", Vpc=vpc)
    ecs.wait(10)
    operation = ecs.cloudmap.get_operation(OperationId=started["OperationId"])["Operation"]
    records = [{"Type": kind, "TTL": 10} for kind in types]
    namespace = operation["Targets"]["NAMESPACE"]
    config = {"DnsRecords": records}
    return str(ecs.cloudmap.create_service(Name="web", NamespaceId=namespace, DnsConfig=config)["Service"]["Arn"])


@pytest.mark.parametrize(
    ("parts", "member"),
    [
        ({"port": 8080}, "'Port'"),
        ({"containerPort": 8080}, "'containerPort'"),
        ({"containerName": "app", "containerPort": 8080}, "'containerPort'"),
    ],
)
@pytest.mark.parametrize("types", [("A",), ("AAAA",), ("A", "AAAA")])
def test_a_port_for_addresses_only_is_refused(
    ecs: Ecs, types: tuple[str, ...], parts: dict[str, Any], member: str
) -> None:
    """Records without a port take none, in the words that tools look for; the name of a container alone is accepted."""
    ecs.define(portMappings=[{"containerPort": 8080}])
    arn = registry(ecs, *types)
    code, message = refusal(lambda: ecs.create(count=0, serviceRegistries=[{"registryArn": arn, **parts}]))
    words = (
        f"The values specified for serviceRegistries do not require a value for {member}. Remove the value and retry."
    )
    assert (code, message) == ("InvalidParameterException", f"{words} Registry: {arn}")
    assert ecs.ecs.list_services(cluster="shop")["serviceArns"] == []
    named = [{"registryArn": arn, "containerName": "app"}]
    assert ecs.create(count=0, serviceRegistries=named)["serviceRegistries"] == named


def test_addresses_and_srv_need_a_port(ecs: Ecs) -> None:
    """With A and SRV records side by side a port is needed, as for SRV alone."""
    ecs.define(portMappings=[{"containerPort": 8080}])
    arn = registry(ecs, "A", "SRV")
    assert refusal(lambda: ecs.create(serviceRegistries=[{"registryArn": arn}]))[0] == "InvalidParameterException"
    both = {"registryArn": arn, "port": 8080, "containerName": "app", "containerPort": 8080}
    words = "Specify a value for either 'port' or the 'containerName' and 'containerPort' combination, but not both."
    assert refusal(lambda: ecs.create(serviceRegistries=[both]))[1].startswith(words)
    ported = [{"registryArn": arn, "port": 8080}]
    assert ecs.create(count=0, serviceRegistries=ported)["serviceRegistries"] == ported


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"taskDefinition": "nothing"}, "ClientException", "TaskDefinition not found."),
        ({"cluster": "gone"}, "ClusterNotFoundException", "The referenced cluster was inactive."),
        ({"cluster": "nowhere"}, "ClusterNotFoundException", "Cluster not found."),
        (
            {"networkConfiguration": {"awsvpcConfiguration": {"subnets": []}}},
            "InvalidParameterException",
            "subnets can not be empty.",
        ),
        (
            {"capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]},
            "InvalidParameterException",
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ),
        (
            {"launchType": None, "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]},
            "InvalidParameterException",
            "The specified capacity provider strategy cannot contain a capacity provider that is not associated with",
        ),
        (
            {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0"]}}},
            "InvalidParameterException",
            "Error retrieving subnet information for [subnet-0]: The subnet ID 'subnet-0' does not exist",
        ),
        (
            {"role": "a-role"},
            "InvalidParameterException",
            "You cannot specify an IAM role for services that require a service linked role.",
        ),
        (
            {"serviceConnectConfiguration": {"enabled": True, "namespace": "nowhere"}},
            "NamespaceNotFoundException",
            "Failed to retrieve namespace for nowhere",
        ),
    ],
)
def test_refusals_of_services_have_the_words_of_ecs(ecs: Ecs, change: dict[str, Any], code: str, words: str) -> None:
    """Tools tell the causes of a refusal apart by these words."""
    ecs.ecs.create_cluster(clusterName="gone")
    ecs.ecs.delete_cluster(cluster="gone")
    ecs.define()
    actual, message = refusal(lambda: ecs.create(**change))
    assert (actual, message[: len(words)]) == (code, words)


def test_refusals_of_load_balancers_have_the_words_of_ecs(ecs: Ecs) -> None:
    """A target group must exist and have a load balancer, and its container and port be those of the definition."""
    ecs.define(portMappings=[{"containerPort": 8080}])
    elb = ecs.client("elbv2")
    vpc = ecs.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    created = elb.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")
    group = created["TargetGroups"][0]["TargetGroupArn"]

    def words(**entry: Any) -> str:
        entry = {"targetGroupArn": group, "containerName": "app", "containerPort": 8080, **entry}
        code, message = refusal(lambda: ecs.create(count=0, loadBalancers=[entry]))
        assert code == "InvalidParameterException"
        return message

    assert words() == f"The target group with targetGroupArn {group} does not have an associated load balancer."
    assert words(containerPort=80) == "The container app did not have a container port 80 defined."
    assert words(containerName="no") == "The container no does not exist in the task definition."
    assert "not found" in words(targetGroupArn=f"{group}0")


def test_refusals_of_tasks_and_definitions_have_the_words_of_ecs(ecs: Ecs) -> None:
    """RunTask and the operations on task definitions name what is missing."""
    ecs.define()
    override = {"containerOverrides": [{"name": "no"}]}
    words = "Override for container named no is not a container in the TaskDefinition."
    assert refusal(lambda: ecs.run(overrides=override))[1] == words
    assert refusal(lambda: ecs.run(taskDefinition="nothing"))[1] == "TaskDefinition not found."
    describe, deregister = ecs.ecs.describe_task_definition, ecs.ecs.deregister_task_definition
    assert refusal(lambda: describe(taskDefinition="no"))[1] == "Unable to describe task definition."
    assert refusal(lambda: deregister(taskDefinition="no:1"))[1] == "The specified task definition does not exist."
    ecs.define(family="host", mode="bridge")
    on_ec2 = {"taskDefinition": "host", "launchType": "EC2", "networkConfiguration": {}}
    code, message = refusal(lambda: ecs.run(**on_ec2))
    assert (code, message) == ("InvalidParameterException", "No Container Instances were found in your cluster.")


@pytest.mark.parametrize(
    ("container", "words"),
    [
        (
            {"portMappings": [{"containerPort": 80, "hostPort": 81}]},
            "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
        ),
        ({"portMappings": [{"hostPort": 80}]}, "Invalid 'containerPort' setting for container 'app'."),
        (
            {"secrets": [{"name": "KEY", "valueFrom": "key"}]},
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        ),
        (
            {"image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/web"},
            "Fargate requires task definition to have execution role ARN to support ECR images.",
        ),
        (
            {"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "web"}}},
            "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        ),
    ],
)
def test_refusals_of_containers_have_the_words_of_ecs(ecs: Ecs, container: dict[str, Any], words: str) -> None:
    """RegisterTaskDefinition says which setting of which container is wrong, or needs a role."""
    assert refusal(lambda: ecs.define(**container)) == ("ClientException", words)
    assert ecs.ecs.list_task_definitions()["taskDefinitionArns"] == []


def test_a_group_that_does_not_exist_is_refused(ecs: Ecs) -> None:
    """CreateService and RunTask name the security group that EC2 does not have; empty lists are refused too."""
    ecs.define()
    network = {"awsvpcConfiguration": {"subnets": [ecs.subnet], "securityGroups": ["sg-0"]}}
    words = "Error retrieving security group information for [sg-0]: The security group 'sg-0' does not exist"
    for call in (ecs.create, ecs.run):
        code, message = refusal(partial(call, networkConfiguration=network))
        assert (code, message[: len(words)]) == ("InvalidParameterException", words)
    assert refusal(partial(ecs.ecs.describe_tasks, cluster="shop", tasks=[]))[1] == "Tasks cannot be empty."
    assert refusal(partial(ecs.ecs.describe_services, cluster="shop", services=[]))[1] == "Services cannot be empty."


def test_a_role_that_does_not_exist_cannot_be_assumed(ecs: Ecs) -> None:
    """RunTask is refused at once; a service is accepted, and its events say why no task starts."""
    role = f"arn:aws:iam::{ecs.account}:role/absent"
    ecs.ecs.register_task_definition(
        family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        taskRoleArn=role, containerDefinitions=[{"name": "app", "image": "any", "command": ["sleep", "1000"]}],
    )  # fmt: skip
    code, message = refusal(ecs.run)
    words = f"ECS was unable to assume the role '{role}' that was provided for this task."
    assert (code, message[: len(words)]) == ("ClientException", words)
    ecs.create()
    ecs.wait(60)
    service = ecs.service()
    assert (service["runningCount"], ecs.tasks()) == (0, [])
    [event] = [event["message"] for event in service["events"]]
    assert event.startswith(f"(service web) failed to launch a task with (error {words}")


@pytest.mark.soak
def test_a_draining_name_is_not_free(ecs: Ecs) -> None:
    """A service at zero is deleted though its tasks run; until they stop, its name is refused in known words."""
    ecs.define("serve", "--on-term", "ignore")
    ecs.create(count=2)
    ecs.wait(60)
    assert refusal(lambda: ecs.ecs.delete_service(cluster="shop", service="web")) == (
        "InvalidParameterException",
        "The service cannot be stopped while it is scaled above 0.",
    )
    ecs.ecs.update_service(cluster="shop", service="web", desiredCount=0)
    deleted = ecs.ecs.delete_service(cluster="shop", service="web")["service"]
    assert (deleted["status"], deleted["desiredCount"], deleted["runningCount"]) == ("DRAINING", 0, 2)
    words = "Unable to Start a service that is still Draining."
    assert refusal(ecs.create) == ("InvalidParameterException", words)
    ecs.wait(120)
    assert ecs.service()["status"] == "INACTIVE"
    assert ecs.create(count=0)["status"] == "ACTIVE"


def test_a_refused_cluster_is_not_there(ecs: Ecs) -> None:
    """CreateCluster that is refused for its default namespace leaves nothing, and UpdateCluster changes nothing."""
    bad = (
        {"namespace": "a/b"},
        {"namespace": f"arn:aws:servicediscovery:us-east-1:{ecs.account}:namespace/ns-aaaaaaaaaaaaaaaa"},
    )
    settings = [{"name": "containerInsights", "value": "enabled"}]
    for defaults in bad:
        refusal(partial(ecs.ecs.create_cluster, clusterName="half", serviceConnectDefaults=defaults))
        refusal(partial(ecs.ecs.update_cluster, cluster="shop", settings=settings, serviceConnectDefaults=defaults))
    described = ecs.ecs.describe_clusters(clusters=["half", "shop"], include=["SETTINGS", "ATTACHMENTS"])
    assert [failure["reason"] for failure in described["failures"]] == ["MISSING"]
    [shop] = described["clusters"]
    assert [setting["value"] for setting in shop["settings"]] == ["disabled"]
    assert "serviceConnectDefaults" not in shop
    assert "attachments" not in shop


def test_the_codes_of_cloud_map_do_not_leave_ecs(ecs: Ecs) -> None:
    """While the namespace is still being made, CreateCluster is refused with an error of ECS's own."""
    ecs.cloudmap.create_http_namespace(Name="race")
    defaults = {"namespace": "race"}
    code, _ = refusal(lambda: ecs.ecs.create_cluster(clusterName="half", serviceConnectDefaults=defaults))
    assert code == "InvalidParameterException"
    assert ecs.ecs.describe_clusters(clusters=["half"])["failures"][0]["reason"] == "MISSING"
    ecs.wait(10)
    cluster = ecs.ecs.create_cluster(clusterName="half", serviceConnectDefaults=defaults)["cluster"]
    assert ":namespace/ns-" in cluster["serviceConnectDefaults"]["namespace"]


def test_a_refused_update_changes_nothing(ecs: Ecs) -> None:
    """UpdateService that is refused for one member leaves the others as they were."""
    ecs.define()
    before = ecs.create(count=0)
    changes: tuple[dict[str, Any], ...] = (
        {"taskDefinition": "nothing", "deploymentConfiguration": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1}},
        {
            "desiredCount": 2,
            "serviceRegistries": [{"registryArn": "arn:aws:s3:::bucket"}],
            "enableExecuteCommand": True,
        },
        {"desiredCount": 2, "deploymentConfiguration": {"minimumHealthyPercent": 101}},
        {"forceNewDeployment": True, "deploymentConfiguration": {"strategy": "BLUE_GREEN"}},
    )
    for change in changes:
        refusal(partial(ecs.ecs.update_service, cluster="shop", service="web", **change))
    after = ecs.service()
    assert {name: after[name] for name in before if name not in ("events", "tags")} == {
        name: value for name, value in before.items() if name not in ("events", "tags")
    }


def test_every_error_is_one_of_ecs() -> None:
    """The codes that the operations raise are in the model of ECS; what the target lacks is NotImplemented."""
    package = Path(str(aws_ecs.__file__)).parent
    source = "".join(file.read_text("utf-8") for file in package.rglob("*.py"))
    codes = set(re.findall(r'ServiceError\(\s*"(\w+)"', source))
    model = Session().get_service_model("ecs")
    assert "InvalidParameterException" in codes
    assert codes - {shape.name for shape in model.error_shapes} == {"NotImplemented"}


@pytest.mark.soak
def test_a_role_must_trust_ecs(ecs: Ecs) -> None:
    """Its trust policy must name the service, and may limit for which account and Region; else no task has it."""
    tasks = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    owner = {**tasks, "Principal": {"AWS": f"arn:aws:iam::{ecs.account}:root"}}

    def limited(region: str, account: str) -> dict[str, object]:
        source = {"aws:SourceArn": f"arn:aws:ecs:{region}:{account}:*"}
        return {**tasks, "Condition": {"ArnLike": source, "StringEquals": {"aws:SourceAccount": account}}}

    cases = [
        (owner, False), ({**tasks, "Principal": {"Service": "ecs.amazonaws.com"}}, False),
        ({**tasks, "Action": "sts:TagSession"}, False), ({**tasks, "Effect": "Deny"}, False),
        (limited("eu-west-9", ecs.account), False), (limited("us-east-1", "999999999999"), False),
        (tasks, True), (limited("us-east-1", ecs.account), True),
    ]  # fmt: skip
    iam = ecs.client("iam")
    for number, (statement, is_trusted) in enumerate(cases):
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        role = iam.create_role(RoleName=f"role-{number}", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        ecs.ecs.register_task_definition(
            family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            taskRoleArn=role, containerDefinitions=[{"name": "app", "image": "any", "command": ["sleep", "1000"]}],
        )  # fmt: skip
        if is_trusted:
            assert ecs.run()
        else:
            assert refusal(ecs.run)[0] == "ClientException", statement
