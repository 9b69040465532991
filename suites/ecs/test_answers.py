"""Operations that change a resource answer with its whole description: that of the operation that describes it."""

import pytest

from surveyor.testing import containers_of, for_each, id_of, proves, timeouts

CHANGING = {
    "agentConnected", "computedDesiredCount", "connectivity", "connectivityAt", "currentServiceDeployment",
    "currentServiceRevisions", "deleteRequestedAt", "deregisteredAt", "deregisteredBy", "desiredCount",
    "desiredStatus", "events", "exitCode", "healthStatus", "lastStatus", "pendingCount", "pendingTasksCount", "reason",
    "rolloutState", "rolloutStateReason", "runningCount", "runningTasksCount", "scale", "stabilityStatus",
    "stabilityStatusAt", "status", "stopCode", "stoppedReason", "stoppingAt", "tags", "updatedAt", "version",
}  # fmt: skip
"""Members that differ between two answers about a resource that changes meanwhile. Describe has tags only if asked."""

EC2 = {"requiresCompatibilities": ["EC2"], "networkMode": "bridge", "cpu": None}


@pytest.fixture(autouse=True)
def shapes(check_shapes, ecs):
    """Compare the types of all answers with the model."""
    check_shapes(ecs)


def fixed(answer):
    """Return an answer without the members that change, and without deployments that end meanwhile."""
    if isinstance(answer, list):
        return [fixed(entry) for entry in answer if not isinstance(entry, dict) or not is_replaced(entry)]
    if isinstance(answer, dict):
        return {name: fixed(value) for name, value in answer.items() if name not in CHANGING}
    return answer


def is_replaced(entry):
    """Return whether an entry is a deployment that another one has replaced."""
    return "rolloutState" in entry and entry["status"] != "PRIMARY"


def shows(answer):
    """Return a function that returns whether a description says what the answer to a change said."""
    return lambda described: fixed(described) == fixed(answer)


@pytest.fixture
def describe_service(ecs, cluster):
    """Return `describe_service(service)`: DescribeServices of one service."""
    return lambda service: ecs.describe_services(cluster=cluster, services=[service["serviceName"]])["services"][0]


@proves("ecs.describe.changes-answer-with-the-description")
def test_services_are_described_by_all_operations(
    ecs, make_service, make_task_definition, make_ecs_service, describe_service, read_until, http_namespace, cluster
):
    """CreateService, UpdateService and DeleteService answer with what DescribeServices says."""
    # ecs/DeleteServiceResponse.service: "The full description of the deleted service."
    definition = make_task_definition()
    breaker = {"enable": True, "rollback": True}
    deployment = {"maximumPercent": 150, "minimumHealthyPercent": 50, "deploymentCircuitBreaker": breaker}
    created = make_ecs_service(
        definition, make_service(http_namespace), count=0, deploymentConfiguration=deployment,
        propagateTags="SERVICE", enableECSManagedTags=True, healthCheckGracePeriodSeconds=None,
    )  # fmt: skip
    described = read_until(lambda: describe_service(created), shows(created))
    assert fixed(created) == fixed(described)
    assert created["deployments"][0]["status"] == described["deployments"][0]["status"] == "PRIMARY"
    name = created["serviceName"]
    updated = ecs.update_service(cluster=cluster, service=name, propagateTags="TASK_DEFINITION")["service"]
    assert updated["propagateTags"] == "TASK_DEFINITION"
    described = read_until(lambda: describe_service(created), shows(updated))
    assert fixed(updated) == fixed(described)
    assert fixed(ecs.delete_service(cluster=cluster, service=name)["service"]) == fixed(described)


@proves("ecs.describe.connected-services-answer-with-the-description")
def test_connected_services_are_described_by_all_operations(
    ecs, make_connect_service, update_connect_service, describe_service, read_until, cluster
):
    """All operations answer with the configuration of Service Connect of each deployment, and with its endpoints."""
    endpoint = {"timeout": {"idleTimeoutSeconds": 60, "perRequestTimeoutSeconds": 5}, "ingressPortOverride": 9000}
    configuration = {
        "accessLogConfiguration": {"format": "JSON", "includeQueryParameters": "ENABLED"},
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "a", "awslogs-region": "us-east-1"}},
    }
    connected = make_connect_service("shop", count=0, endpoint=endpoint, configuration=configuration)
    created = connected.service
    described = read_until(lambda: describe_service(created), shows(created))
    assert fixed(created) == fixed(described)
    updated = update_connect_service(connected, endpoint={"timeout": {"idleTimeoutSeconds": 30}})
    described = read_until(lambda: describe_service(created), shows(updated))
    assert fixed(updated) == fixed(described)
    within = {"cluster": cluster, "service": created["serviceName"]}

    def services_of_deployments():
        arns = [one["serviceDeploymentArn"] for one in ecs.list_service_deployments(**within)["serviceDeployments"]]
        deployments = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
        return [one["serviceArn"] for one in deployments]

    expected = [created["serviceArn"]] * 2
    assert read_until(services_of_deployments, expected) == expected
    assert fixed(ecs.delete_service(**within)["service"]) == fixed(described)


@proves("ecs.describe.changes-answer-with-the-description")
@for_each("end", ["DeleteTaskSet", "DeleteService"])
def test_task_sets_are_described_by_all_operations(
    ecs, make_service, make_task_definition, make_ecs_service, describe_service, read_until, network, unique_name,
    http_namespace, cluster, end,
):  # fmt: skip
    """CreateTaskSet, UpdateTaskSet, DeleteTaskSet and DescribeServices answer with what DescribeTaskSets says."""
    definition, registry = make_task_definition(), make_service(http_namespace)
    external = {"deploymentController": {"type": "EXTERNAL"}, "taskDefinition": None, "launchType": None}
    service = make_ecs_service(definition, count=0, networkConfiguration=None, **external)
    within = {"cluster": cluster, "service": service["serviceName"]}
    request = {
        "externalId": unique_name("set"),
        "taskDefinition": definition["taskDefinitionArn"],
        "launchType": "FARGATE",
        "networkConfiguration": network,
        "serviceRegistries": [{"registryArn": registry["Arn"]}],
        "scale": {"value": 0.0, "unit": "PERCENT"},
    }
    created = ecs.create_task_set(**within, **request)["taskSet"]
    key = {**within, "taskSet": created["id"]}
    [described] = read_until(
        lambda: ecs.describe_task_sets(**within, taskSets=[created["id"]])["taskSets"], shows([created])
    )
    assert fixed(created) == fixed(described)
    assert {name: described[name] for name in request if name != "taskDefinition"} == {
        name: value for name, value in request.items() if name != "taskDefinition"
    }
    of_service = read_until(lambda: describe_service(service)["taskSets"], shows([described]))
    assert fixed(of_service) == [fixed(described)]
    updated = ecs.update_task_set(**key, scale={"value": 50.0, "unit": "PERCENT"})["taskSet"]
    assert fixed(updated) == fixed(described)
    assert updated["scale"] == {"value": 50.0, "unit": "PERCENT"}
    if end == "DeleteTaskSet":
        ended = ecs.delete_task_set(**key, force=True)["taskSet"]
    else:
        [ended] = ecs.delete_service(**within, force=True)["service"]["taskSets"]
    assert fixed(ended) == fixed(described)


@proves("ecs.describe.changes-answer-with-the-description")
def test_tasks_are_described_when_they_are_stopped(
    ecs, make_task_definition, run_task, describe_task, eventually, cluster
):
    """RunTask answers with the task, and StopTask with what DescribeTasks says."""
    # ecs/RunTaskResponse.tasks: "A full description of the tasks that were run."
    started = run_task(make_task_definition(), startedBy="me", group="a-group", enableECSManagedTags=True)
    running = eventually(
        lambda: (task := describe_task(started))["lastStatus"] == "RUNNING" and task, within=timeouts.TASK
    )
    for member in (
        "taskArn",
        "clusterArn",
        "taskDefinitionArn",
        "launchType",
        "group",
        "startedBy",
        "createdAt",
        "cpu",
    ):
        assert started[member] == running[member]
    assert list(containers_of(started)) == list(containers_of(running))
    assert started["overrides"] == running["overrides"]
    stopped = ecs.stop_task(cluster=cluster, task=id_of(started), reason="done")["task"]
    assert fixed(stopped) == fixed(running)
    assert stopped["stoppedReason"] == "done"


@proves("ecs.describe.changes-answer-with-the-description")
def test_definitions_are_described_when_they_end(ecs, make_task_definition, read_until):
    """DeregisterTaskDefinition and DeleteTaskDefinitions answer with what DescribeTaskDefinition says."""
    # ecs/DeregisterTaskDefinitionResponse.taskDefinition: "The full description of the deregistered task."
    arn = make_task_definition(container={"environment": [{"name": "A", "value": "1"}]})["taskDefinitionArn"]
    described = read_until(lambda: ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"], bool)
    ended = ecs.deregister_task_definition(taskDefinition=arn)["taskDefinition"]
    assert fixed(ended) == fixed(described)
    inactive = {"familyPrefix": described["family"], "status": "INACTIVE"}
    assert read_until(lambda: ecs.list_task_definitions(**inactive)["taskDefinitionArns"], [arn]) == [arn]
    families = [described["family"]]
    assert read_until(lambda: ecs.list_task_definition_families(**inactive)["families"], families) == families
    [deleted] = ecs.delete_task_definitions(taskDefinitions=[arn])["taskDefinitions"]
    assert fixed(deleted) == fixed(described)
    assert deleted["deregisteredAt"] == ended["deregisteredAt"]


@proves("ecs.describe.changes-answer-with-the-description")
def test_clusters_are_described_by_all_operations(ecs, read_until, unique_name, http_namespace):
    """CreateCluster, UpdateCluster and DeleteCluster answer with what DescribeClusters says."""
    # ecs/DeleteClusterResponse.cluster: "The full description of the deleted cluster."
    name, include = unique_name("cluster"), ["SETTINGS", "CONFIGURATIONS", "TAGS"]
    created = ecs.create_cluster(
        clusterName=name,
        settings=[{"name": "containerInsights", "value": "enabled"}],
        serviceConnectDefaults={"namespace": http_namespace["Arn"]},
        capacityProviders=["FARGATE", "FARGATE_SPOT"],
        defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 2, "base": 1}],
    )["cluster"]

    def described():
        return ecs.describe_clusters(clusters=[name], include=include)["clusters"][0]

    def of(cluster, members):
        return {member: cluster[member] for member in members}

    static = ["clusterArn", "clusterName", "serviceConnectDefaults", "capacityProviders"]
    static += ["defaultCapacityProviderStrategy"]
    counts = ("registeredContainerInstancesCount", "runningTasksCount", "pendingTasksCount", "activeServicesCount")
    for answer in (
        created,
        ecs.update_cluster(cluster=name, settings=[{"name": "containerInsights", "value": "enabled"}])["cluster"],
    ):
        expected = of(answer, [*static, "settings"])
        assert expected == read_until(lambda: of(described(), [*static, "settings"]), expected)
    before, deleted = described(), ecs.delete_cluster(cluster=name)["cluster"]
    assert of(deleted, static) == of(before, static)
    assert [answer[member] for answer in (created, before, deleted) for member in counts] == [0] * 12
    assert (created["status"], deleted["status"]) == ("ACTIVE", "INACTIVE")


@proves("ecs.describe.instances-answer-with-the-description")
def test_container_instances_are_described_by_all_operations(ecs, start_container_instances, read_until, cluster):
    """Draining and deregistering an instance answer with what DescribeContainerInstances says."""
    [started] = start_container_instances()
    arns = ecs.list_container_instances(cluster=cluster)["containerInstanceArns"]
    assert arns == [started["containerInstanceArn"]]
    within = {"cluster": cluster, "containerInstances": arns}
    [drained] = ecs.update_container_instances_state(**within, status="DRAINING")["containerInstances"]
    [described] = read_until(
        lambda: ecs.describe_container_instances(**within)["containerInstances"],
        lambda found: [one["status"] for one in found] == ["DRAINING"],
    )
    assert fixed(drained) == fixed(described)
    assert (drained["status"], described["status"]) == ("DRAINING", "DRAINING")
    ended = ecs.deregister_container_instance(cluster=cluster, containerInstance=arns[0], force=True)
    assert fixed(ended["containerInstance"]) == fixed(described)
    assert ended["containerInstance"]["status"] == "INACTIVE"
