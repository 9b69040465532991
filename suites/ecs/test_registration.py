"""Registration: each task of a service is registered before it is RUNNING, and no other task is."""

from __future__ import annotations

from surveyor.testing import id_of, proves, timeouts


def registered(cloudmap, service):
    """Return the ids of the instances of a Cloud Map service."""
    return {instance["Id"] for instance in cloudmap.list_instances(ServiceId=service["Id"])["Instances"]}


@proves("ecs.registry.is-on-the-service", "ecs.instance-id.is-the-task-id")
def test_each_task_of_a_service_is_registered(
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    tasks_of,
    report_figure,
    http_namespace,
):
    """A service of three tasks has three instances, and DescribeServices shows its registry."""
    registry = make_service(http_namespace)
    service = wait_until_steady(make_ecs_service(make_task_definition(), registry, count=3))
    assert [entry["registryArn"] for entry in service["serviceRegistries"]] == [registry["Arn"]]
    tasks, instances = {id_of(task) for task in tasks_of(service)}, registered(cloudmap, registry)
    assert len(instances) == 3
    report_figure("instances whose id is a task's", len(tasks & instances), unit="of 3")


@proves("ecs.registry.run-task-registers-nothing")
def test_run_task_registers_nothing(
    ecs,
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    eventually,
    always,
    cluster,
    network,
    http_namespace,
):
    """While a RunTask task of the same family runs for a minute, only the task of the service is registered."""
    registry, definition = make_service(http_namespace), make_task_definition()
    wait_until_steady(make_ecs_service(definition, registry))
    known = registered(cloudmap, registry)
    assert len(known) == 1
    arn = ecs.run_task(
        cluster=cluster,
        taskDefinition=definition["taskDefinitionArn"],
        launchType="FARGATE",
        networkConfiguration=network,
    )["tasks"][0]["taskArn"]

    def is_running():
        return ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0]["lastStatus"] == "RUNNING"

    eventually(is_running, within=timeouts.TASK)
    always(lambda: registered(cloudmap, registry) == known, during=60)
    ecs.stop_task(cluster=cluster, task=arn)


@proves("ecs.life.registered-before-running")
def test_a_task_that_runs_is_registered(
    ecs,
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    tasks_of,
    eventually,
    clock,
    report_figure,
    http_namespace,
):
    """Sampling the task first and then Cloud Map never shows a task that is RUNNING and not registered."""
    registry = make_service(http_namespace)
    service = make_ecs_service(make_task_definition(), registry)
    samples: list[tuple[float, str, bool]] = []

    def is_running():
        at = clock.now()
        tasks = tasks_of(service)
        if not tasks:
            return False
        samples.append((at, tasks[0]["lastStatus"], bool(registered(cloudmap, registry))))
        return samples[-1][1] == "RUNNING"

    eventually(is_running, within=timeouts.TASK)
    assert samples[-1][2], "RUNNING without an instance"
    first = next(number for number, (_, _, is_registered) in enumerate(samples) if is_registered)
    report_figure(
        "registered before RUNNING by",
        samples[-2][0] - samples[first][0],
        samples[-1][0] - samples[max(first - 1, 0)][0],
    )


@proves("ecs.registry.update-starts-a-deployment")
def test_adding_and_removing_a_registry_starts_a_deployment(
    ecs,
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    tasks_of,
    eventually,
    cluster,
    http_namespace,
):
    """After a registry is added only new tasks are registered; after an empty list no instance is left."""
    registry = make_service(http_namespace)
    service = wait_until_steady(make_ecs_service(make_task_definition()))
    old, before = {id_of(task) for task in tasks_of(service)}, service["deployments"][0]["id"]
    update = {"cluster": cluster, "service": service["serviceName"]}
    ecs.update_service(serviceRegistries=[{"registryArn": registry["Arn"]}], **update)
    service = wait_until_steady(service)
    assert service["deployments"][0]["id"] != before
    new = {id_of(task) for task in tasks_of(service)}
    assert not new & old
    assert len(registered(cloudmap, registry)) == 1
    before = service["deployments"][0]["id"]
    ecs.update_service(serviceRegistries=[], **update)
    service = wait_until_steady(service)
    assert service["deployments"][0]["id"] != before
    assert service["serviceRegistries"] == []
    eventually(lambda: not registered(cloudmap, registry), within=timeouts.OPERATION)


@proves("ecs.registry.cloud-map-resources-stay")
def test_cloud_map_resources_stay(
    ecs,
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    eventually,
    always,
    cluster,
    http_namespace,
):
    """After the ECS service is deleted its instances are gone; the Cloud Map service and the namespace remain."""
    registry = make_service(http_namespace)
    service = wait_until_steady(make_ecs_service(make_task_definition(), registry))
    assert registered(cloudmap, registry)
    ecs.delete_service(cluster=cluster, service=service["serviceName"], force=True)
    eventually(lambda: not registered(cloudmap, registry), within=timeouts.TASK)

    def both_stay():
        service_id = cloudmap.get_service(Id=registry["Id"])["Service"]["Id"]
        namespace_id = cloudmap.get_namespace(Id=http_namespace["Id"])["Namespace"]["Id"]
        return service_id == registry["Id"] and bool(namespace_id == http_namespace["Id"])

    always(both_stay, during=30)
