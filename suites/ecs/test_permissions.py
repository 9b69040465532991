"""The resources and condition keys of the actions of ECS."""

from functools import partial

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import for_each, id_of, proves, raises, timeouts

DENIED = "AccessDeniedException"


def allow(action, resource, **conditions):
    """Return a statement that allows an action on a resource, if keys have these values."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**statement, "Condition": {"StringEquals": conditions}} if conditions else statement


@pytest.fixture
def pairs(ecs, make_task_definition, make_ecs_service, run_task, unique_name, cluster, network):
    """Return two resources of each kind in one cluster, by kind: their ARNs."""
    definitions = [make_task_definition() for _ in range(2)]
    bare = {"taskDefinition": None, "networkConfiguration": None, "launchType": None}
    external = make_ecs_service(definitions[0], count=0, deploymentController={"type": "EXTERNAL"}, **bare)
    run = {"taskDefinition": definitions[0]["taskDefinitionArn"], "launchType": "FARGATE"}
    within = {"cluster": cluster, "service": external["serviceName"]}
    return {
        "cluster": [ecs.create_cluster(clusterName=unique_name("cluster"))["cluster"]["clusterArn"] for _ in range(2)],
        "definition": [definition["taskDefinitionArn"] for definition in definitions],
        "service": [make_ecs_service(definitions[0], count=0)["serviceArn"] for _ in range(2)],
        "task": [run_task(definitions[0])["taskArn"] for _ in range(2)],
        "task set": [
            ecs.create_task_set(networkConfiguration=network, **run, **within)["taskSet"]["taskSetArn"]
            for _ in range(2)
        ],
        "external": [external["serviceName"]],
    }


@pytest.fixture
def visible_pairs(ecs, pairs, read_until, cluster):
    """Return `pairs` once all that lists and descriptions need is found: reads may lag the creation."""
    described = {
        "cluster": lambda names: ecs.describe_clusters(clusters=names)["clusters"],
        "service": lambda names: ecs.describe_services(cluster=cluster, services=names)["services"],
        "task": lambda names: ecs.describe_tasks(cluster=cluster, tasks=names)["tasks"],
    }
    for kind, describe in described.items():
        assert len(read_until(partial(describe, pairs[kind]), lambda found: len(found) == 2)) == 2
    return pairs


CALLS = {
    "UpdateCluster": ("cluster", lambda ecs, name, _: ecs.update_cluster(cluster=name, settings=[])),
    "DescribeClusters": ("cluster", lambda ecs, name, _: ecs.describe_clusters(clusters=[name])),
    "UpdateService": ("service", lambda ecs, name, within: ecs.update_service(service=name, desiredCount=0, **within)),
    "DescribeServices": ("service", lambda ecs, name, within: ecs.describe_services(services=[name], **within)),
    "DescribeTasks": ("task", lambda ecs, name, within: ecs.describe_tasks(tasks=[name], **within)),
    "StopTask": ("task", lambda ecs, name, within: ecs.stop_task(task=name, **within)),
    "DeleteService": ("service", lambda ecs, name, within: ecs.delete_service(service=name, **within)),
    "DeleteCluster": ("cluster", lambda ecs, name, _: ecs.delete_cluster(cluster=name)),
}


@proves("ecs.permissions.resources")
@for_each("action", list(CALLS))
def test_an_action_is_limited_to_a_resource(client_limited_to, visible_pairs, cluster, action):
    """An action that is allowed on the ARN of one resource succeeds by its name and ARN, and not on another one."""
    # guide: "If the column includes a resource type, then you can specify an ARN of that type in a statement with that
    # action."
    kind, call = CALLS[action]
    ours, other = visible_pairs[kind]
    caller = client_limited_to(allow(f"ecs:{action}", ours))("ecs")
    with raises(DENIED):
        call(caller, other, {"cluster": cluster})
    with raises(DENIED):
        call(caller, id_of(other), {"cluster": cluster})
    call(caller, id_of(ours), {"cluster": cluster})
    if not action.startswith("Delete"):
        call(caller, ours, {"cluster": cluster})


@proves("ecs.permissions.resources")
def test_tags_and_task_sets_are_limited_to_a_resource(client_limited_to, visible_pairs, cluster):
    """Tags of one cluster are read and changed, and one task set is scaled, but not others."""
    ours, other = visible_pairs["cluster"]
    for action, params in (
        ("TagResource", {"tags": [{"key": "a", "value": "1"}]}),
        ("ListTagsForResource", {}),
        ("UntagResource", {"tagKeys": ["a"]}),
    ):
        caller = client_limited_to(allow(f"ecs:{action}", ours))("ecs")
        operation = {
            "TagResource": caller.tag_resource,
            "ListTagsForResource": caller.list_tags_for_resource,
            "UntagResource": caller.untag_resource,
        }[action]
        operation(resourceArn=ours, **params)
        with raises(DENIED):
            operation(resourceArn=other, **params)
    ours, other = visible_pairs["task set"]
    caller = client_limited_to(allow("ecs:UpdateTaskSet", ours))("ecs")
    within = {"cluster": cluster, "service": visible_pairs["external"][0], "scale": {"value": 0.0, "unit": "PERCENT"}}
    caller.update_task_set(taskSet=ours, **within)
    with raises(DENIED):
        caller.update_task_set(taskSet=other, **within)


@proves("ecs.permissions.run-task")
def test_run_task_needs_the_task_definition(client_limited_to, pairs, cluster, network):
    """RunTask is allowed on a revision, also if it is named by its family, in one cluster, and not on another."""
    # guide: "Required resources are indicated in the table with an asterisk (*)": task-definition* of RunTask
    ours, other = pairs["definition"]
    key = {"ecs:cluster": pairs["cluster"][0].replace(id_of(pairs["cluster"][0]), cluster)}
    caller = client_limited_to(allow("ecs:RunTask", ours, **key))("ecs")
    run = {"cluster": cluster, "launchType": "FARGATE", "networkConfiguration": network}
    family_and_revision = id_of(ours)
    for name in (ours, family_and_revision, family_and_revision.partition(":")[0]):
        assert len(caller.run_task(taskDefinition=name, **run)["tasks"]) == 1
    for name in (other, id_of(other), id_of(other).partition(":")[0]):
        with raises(DENIED):
            caller.run_task(taskDefinition=name, **run)
    with raises(DENIED):
        caller.run_task(taskDefinition=ours, **{**run, "cluster": pairs["cluster"][0]})


@proves("ecs.permissions.pass-role")
@for_each("operation", ["RegisterTaskDefinition", "RunTask"])
@for_each("member", ["taskRoleArn", "executionRoleArn"])
def test_a_role_is_passed_with_permission(
    client_limited_to, make_task_definition, make_service_role, unique_name, eventually, account, cluster, network,
    operation, member,
):  # fmt: skip
    """A role of a task is passed to ecs-tasks with iam:PassRole on it; another role, or another service, is refused."""
    # guide: "To pass a role (and its permissions) to an AWS service, a user must have permissions to pass the role to
    # the service."
    # A task is not run with a role that does not exist.
    ours, other = make_service_role("ecs-tasks.amazonaws.com"), f"arn:aws:iam::{account}:role/{unique_name('role')}"
    definition = make_task_definition()["taskDefinitionArn"]
    container = [{"name": "app", "image": "busybox", "memory": 64}]

    def ask(service, role):
        caller = client_limited_to(
            allow(f"ecs:{operation}", "*"), allow("iam:PassRole", ours, **{"iam:PassedToService": service})
        )("ecs")
        if operation == "RegisterTaskDefinition":
            caller.register_task_definition(
                family=unique_name("family"), containerDefinitions=container, **{member: role}
            )
        else:
            caller.run_task(
                cluster=cluster,
                taskDefinition=definition,
                launchType="FARGATE",
                networkConfiguration=network,
                overrides={member: role},
            )

    def is_accepted():
        try:
            ask("ecs-tasks.amazonaws.com", ours)
        except ClientError as refusal:
            if refusal.response["Error"]["Code"] != "ClientException":
                raise
            return False  # a new role cannot be assumed at once
        return True

    eventually(is_accepted, within=timeouts.SCHEDULER)
    for service, role in (("ecs-tasks.amazonaws.com", other), ("ecs.amazonaws.com", ours)):
        with raises(DENIED):
            ask(service, role)


@proves("ecs.permissions.cluster-key")
def test_lists_are_limited_to_a_cluster(client_limited_to, visible_pairs, unique_name):
    """With ecs:cluster the lists of one cluster are allowed and those of another are not."""
    # guide, ecs:cluster: "Filters access by the ARN of an Amazon ECS cluster"
    ours, other = visible_pairs["cluster"]
    statement = allow(["ecs:ListServices", "ecs:ListTasks"], "*", **{"ecs:cluster": ours})
    caller = client_limited_to(statement)("ecs")
    for operation in (caller.list_services, caller.list_tasks):
        operation(cluster=ours)
        operation(cluster=id_of(ours))
        for refused in (other, id_of(other), unique_name("none")):
            with raises(DENIED):
                operation(cluster=refused)


@proves("ecs.permissions.service-keys")
@for_each("key", ["ecs:subnet", "ecs:auto-assign-public-ip", "ecs:task-definition"])
def test_a_service_is_limited_by_its_network_and_definition(
    client_limited_to, make_task_definition, unique_name, cluster, network, key
):
    """A service is created with the subnet, the public address and the definition of the condition, not with others."""
    definition = make_task_definition()["taskDefinitionArn"]
    awsvpc = network["awsvpcConfiguration"]
    has_public_ip = str(awsvpc["assignPublicIp"] == "ENABLED").lower()
    values = {
        "ecs:subnet": ("ForAnyValue:StringEquals", awsvpc["subnets"][0], "subnet-0123456789abcdef0"),
        "ecs:auto-assign-public-ip": ("Bool", has_public_ip, {"true": "false", "false": "true"}[has_public_ip]),
        "ecs:task-definition": ("ArnEquals", definition, make_task_definition()["taskDefinitionArn"]),
    }
    operator, ours, other = values[key]

    def create(value):
        statement = {**allow("ecs:CreateService", "*"), "Condition": {operator: {key: value}}}
        client_limited_to(statement)("ecs").create_service(
            cluster=cluster,
            serviceName=unique_name("service"),
            taskDefinition=definition,
            desiredCount=0,
            launchType="FARGATE",
            networkConfiguration=network,
        )

    create(ours)
    with raises(DENIED):
        create(other)
