"""Task sets: their share of the tasks of a service, and which of them is primary."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import proves, raises, timeouts


def described(ecs, cluster, service):
    """Return the service as DescribeServices returns it."""
    return ecs.describe_services(cluster=cluster, services=[service["serviceName"]])["services"][0]


@proves("ecs.deployment.task-set-scale")
def test_a_task_set_has_its_share_of_the_tasks(
    ecs, cloudmap, make_service, make_task_definition, make_ecs_service, eventually, cluster, network, http_namespace
):
    """A task set runs and registers the desired count times its scale, rounded up, until it is deleted."""
    # ecs/TaskSet.computedDesiredCount: "The result is always rounded up. For example, if the computed desired count is
    # 1.2, it rounds up to 2 tasks."
    definition = make_task_definition()
    bare = {"taskDefinition": None, "networkConfiguration": None, "launchType": None}
    service = make_ecs_service(definition, count=3, deploymentController={"type": "EXTERNAL"}, **bare)
    within = {"cluster": cluster, "service": service["serviceName"]}

    def create(percent, registry):
        return ecs.create_task_set(
            taskDefinition=definition["taskDefinitionArn"],
            launchType="FARGATE",
            networkConfiguration=network,
            serviceRegistries=[{"registryArn": registry["Arn"]}],
            scale={"unit": "PERCENT", "value": percent},
            **within,
        )["taskSet"]["taskSetArn"]

    registries = [make_service(http_namespace) for _ in range(4)]
    arns = [create(*pair) for pair in zip((34.0, 33.0, 0.0, 100.0), registries, strict=True)]

    def is_steady(*expected):
        """Return whether the task sets have these counts, None for one that is deleted."""
        found = {one["taskSetArn"]: one for one in ecs.describe_task_sets(taskSets=arns, **within)["taskSets"]}
        for arn, registry, count in zip(arns, registries, expected, strict=True):
            listed = len(cloudmap.list_instances(ServiceId=registry["Id"])["Instances"])
            task_set = found.get(arn, {})
            members = ("computedDesiredCount", "runningCount", "stabilityStatus")
            actual = (listed, *(task_set.get(name) for name in members))
            if actual != ((0, None, None, None) if count is None else (count, count, count, "STEADY_STATE")):
                return False
        return True

    eventually(lambda: is_steady(2, 1, 0, 3), within=timeouts.DEPLOYMENT)
    ecs.update_task_set(taskSet=arns[0], scale={"unit": "PERCENT", "value": 67.0}, **within)
    with pytest.raises(ClientError):  # it is not scaled to zero
        ecs.delete_task_set(taskSet=arns[1], **within)
    ecs.delete_task_set(taskSet=arns[1], force=True, **within)
    ecs.delete_task_set(taskSet=arns[2], **within)
    eventually(lambda: is_steady(3, None, None, 3), within=timeouts.DEPLOYMENT)


@proves("ecs.task-set.primary")
def test_one_task_set_is_primary(
    ecs, make_task_definition, make_ecs_service, read_until, cluster, network, unique_name
):
    """A task set is ACTIVE until it is made the PRIMARY one, named by id or by ARN."""
    # ecs/TaskSet.status: "PRIMARY The task set is serving production traffic. ACTIVE The task set isn't serving
    # production traffic."
    definition = make_task_definition()
    bare = {"taskDefinition": None, "networkConfiguration": None, "launchType": None}
    service = make_ecs_service(definition, count=0, deploymentController={"type": "EXTERNAL"}, **bare)
    within = {"cluster": cluster, "service": service["serviceName"]}
    run = {
        "taskDefinition": definition["taskDefinitionArn"],
        "launchType": "FARGATE",
        "networkConfiguration": network,
    }
    made = [ecs.create_task_set(**run, **within)["taskSet"] for _ in range(2)]
    for task_set in made:
        assert (task_set["status"], task_set["scale"]) == ("ACTIVE", {"value": 100.0, "unit": "PERCENT"})
        assert task_set["serviceArn"].endswith(f"/{service['serviceName']}")
        assert task_set["clusterArn"].endswith(f"/{cluster}")
        assert task_set["taskDefinition"] == definition["taskDefinitionArn"]
        assert task_set["createdAt"] <= task_set["updatedAt"]
        assert (task_set["launchType"], "platformVersion" in task_set) == ("FARGATE", True)
        assert task_set["networkConfiguration"]["awsvpcConfiguration"]["subnets"]

    def statuses(*names):
        answer = ecs.describe_task_sets(**within, **({"taskSets": list(names)} if names else {}))
        return [one["status"] for one in answer["taskSets"]], [one["reason"] for one in answer["failures"]]

    def of_service():
        return [(one["id"], one["status"]) for one in described(ecs, cluster, service)["taskSets"]]

    for name, expected in ((made[0]["id"], ["PRIMARY", "ACTIVE"]), (made[1]["taskSetArn"], ["ACTIVE", "PRIMARY"])):
        answer = ecs.update_service_primary_task_set(primaryTaskSet=name, **within)["taskSet"]
        assert (answer["status"], name in (answer["id"], answer["taskSetArn"])) == ("PRIMARY", True)
        assert read_until(statuses, (expected, [])) == (expected, [])
        both = [(one["id"], status) for one, status in zip(made, expected, strict=True)]
        assert read_until(of_service, both) == both
        assert read_until(lambda name=name: statuses(name), (["PRIMARY"], [])) == (["PRIMARY"], [])
    one_of_two = (["ACTIVE"], ["MISSING"])
    assert read_until(lambda: statuses(made[0]["id"], "ecs-svc/1"), one_of_two) == one_of_two
    for percent in (-1.0, 101.0):
        with pytest.raises(ClientError):
            ecs.update_task_set(taskSet=made[0]["id"], scale={"value": percent, "unit": "PERCENT"}, **within)
    for percent in (0.0, 100.0):
        scale = {"value": percent, "unit": "PERCENT"}
        assert ecs.update_task_set(taskSet=made[0]["id"], scale=scale, **within)["taskSet"]["scale"] == scale
    for operation, params in (
        (ecs.update_task_set, {"taskSet": "ecs-svc/1", "scale": {"value": 1.0, "unit": "PERCENT"}}),
        (ecs.update_service_primary_task_set, {"primaryTaskSet": "ecs-svc/1"}),
        (ecs.delete_task_set, {"taskSet": "ecs-svc/1"}),
    ):
        with raises("TaskSetNotFoundException"):
            operation(**params, **within)
    rolling = make_ecs_service(definition, count=0)["serviceName"]
    with pytest.raises(ClientError):  # task sets are of the deployment controller EXTERNAL
        ecs.create_task_set(**run, cluster=cluster, service=rolling)
    with pytest.raises(ClientError):
        ecs.update_service(forceNewDeployment=True, **within, taskDefinition=definition["taskDefinitionArn"])
    with raises("ServiceNotFoundException"):
        ecs.describe_task_sets(cluster=cluster, service=unique_name("none"))
