"""Registration: each task of a service is registered before it is RUNNING, and no other task is."""

from __future__ import annotations

from typing import Any

from surveyor.testing import address_of, for_each, id_of, proves, timeouts


def registered(cloudmap, service):
    """Return address -> id of the instances of a Cloud Map service."""
    instances = cloudmap.list_instances(ServiceId=service["Id"])["Instances"]
    return {instance["Attributes"]["AWS_INSTANCE_IPV4"]: instance["Id"] for instance in instances}


def running(tasks):
    """Return the addresses of those tasks that are RUNNING."""
    return {address_of(task) for task in tasks if task["lastStatus"] == "RUNNING"}


@proves("ecs.registry.is-on-the-service", "ecs.instance-id.is-the-task-id")
def test_each_task_of_a_service_is_registered(
    ecs,
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    tasks_of,
    eventually,
    report_figure,
    cluster,
    http_namespace,
):
    """The tasks of a service have instances, also when it is scaled out and in, and when a task is replaced."""
    registry = make_service(http_namespace)
    service = wait_until_steady(make_ecs_service(make_task_definition(), registry, count=3))
    assert [entry["registryArn"] for entry in service["serviceRegistries"]] == [registry["Arn"]]
    tasks, instances = {id_of(task) for task in tasks_of(service)}, registered(cloudmap, registry)
    assert (len(instances), len(set(instances.values()))) == (3, 3)
    report_figure("instances whose id is a task's", len(tasks & set(instances.values())), unit="of 3")

    def has_exactly(count):
        addresses = running(tasks_of(service))
        return addresses == set(registered(cloudmap, registry)) and len(addresses) == count

    assert has_exactly(3)
    for count in (4, 1):
        before = running(tasks_of(service))
        ecs.update_service(cluster=cluster, service=service["serviceName"], desiredCount=count)
        eventually(lambda count=count: has_exactly(count), within=timeouts.DEPLOYMENT)
        after = running(tasks_of(service))
        assert before <= after or after <= before, "tasks were replaced"
    (last,) = tasks_of(service)
    ecs.stop_task(cluster=cluster, task=last["taskArn"])
    eventually(lambda: has_exactly(1) and not running(tasks_of(service)) & {address_of(last)}, within=timeouts.TASK)


@proves("ecs.registry.run-task-registers-nothing")
def test_run_task_registers_nothing(
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    run_task,
    describe_task,
    eventually,
    always,
    http_namespace,
):
    """While RunTask's tasks of the same family run for a minute, only the task of the service is registered."""
    registry, definition = make_service(http_namespace), make_task_definition()
    wait_until_steady(make_ecs_service(definition, registry))
    known = registered(cloudmap, registry)
    assert len(known) == 1
    tasks = [run_task(definition), run_task(definition, group="surveyor", startedBy="surveyor")]
    eventually(lambda: all(describe_task(task)["lastStatus"] == "RUNNING" for task in tasks), within=timeouts.TASK)
    always(lambda: registered(cloudmap, registry) == known, during=60)


@proves("ecs.life.registered-before-running")
def test_a_task_that_runs_is_registered(
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
    """Sampling the tasks first and then Cloud Map never shows a task that is RUNNING and not registered."""
    # ecs/HealthCheck: "ACTIVATING - In this state, Amazon ECS pulls container images, creates containers, configures
    # task networking, registers load balancer target groups, and configures service discovery status."
    registry = make_service(http_namespace)
    service = make_ecs_service(make_task_definition(), registry, count=3)
    samples: list[tuple[float, set[str], set[str]]] = []

    def all_are_running():
        at, addresses = clock.now(), running(tasks_of(service))
        samples.append((at, addresses, set(registered(cloudmap, registry))))
        return len(addresses) == 3

    eventually(all_are_running, within=timeouts.TASK, poll_every=0.5)
    assert all(addresses <= listed for _, addresses, listed in samples), "RUNNING without an instance"
    first = next(number for number, (_, _, listed) in enumerate(samples) if listed)
    ran = next(number for number, (_, addresses, _) in enumerate(samples) if addresses)
    low = samples[max(ran - 1, first)][0] - samples[first][0]
    report_figure("registered before RUNNING by", low, samples[ran][0] - samples[max(first - 1, 0)][0])


@proves("ecs.registry.update-starts-a-deployment")
def test_each_change_of_the_registry_starts_a_deployment(
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
    """A registry that is added, kept, replaced and removed is that of the new tasks, which run before the old stop."""
    # ecs/UpdateServiceRequest.serviceRegistries: "You can remove existing serviceRegistries by passing an empty list."
    one, other = make_service(http_namespace), make_service(http_namespace)
    service = wait_until_steady(make_ecs_service(make_task_definition()))
    name = service["serviceName"]
    wrong: list[str] = []
    for before, after in ((None, one), (one, one), (one, other), (other, None)):
        old, deployment = running(tasks_of(service)), service["deployments"][0]["id"]
        change: dict[str, Any] = {"serviceRegistries": [{"registryArn": after["Arn"]}] if after else []}
        if after is before:
            change = {"forceNewDeployment": True}
        ecs.update_service(cluster=cluster, service=name, **change)

        def is_deployed(old=old, before=before, after=after, deployment=deployment):
            now = ecs.describe_services(cluster=cluster, services=[name])["services"][0]
            if after not in (None, before) and registered(cloudmap, after).keys() & old:
                wrong.append("an old task in the new registry")
            if not now["runningCount"]:
                wrong.append("no task")
            (current, *others) = now["deployments"]
            return current["id"] != deployment and current["rolloutState"] == "COMPLETED" and not others

        eventually(is_deployed, within=timeouts.DEPLOYMENT)
        service = wait_until_steady(service)
        assert [entry["registryArn"] for entry in service["serviceRegistries"]] == ([after["Arn"]] if after else [])
        if after is not None:
            new = running(tasks_of(service))
            eventually(lambda after=after, new=new: set(registered(cloudmap, after)) == new, within=timeouts.OPERATION)
        if before not in (None, after):
            eventually(lambda before=before: not registered(cloudmap, before), within=timeouts.OPERATION)
    assert not wrong


@proves("ecs.registry.cloud-map-resources-stay")
@for_each("force", [True, False])
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
    force,
):
    """After the ECS service is deleted its instances are gone; the Cloud Map service and the namespace remain."""
    registry = make_service(http_namespace)
    service = wait_until_steady(make_ecs_service(make_task_definition(), registry))
    assert registered(cloudmap, registry)
    named = {"cluster": cluster, "service": service["serviceName"]}
    if not force:
        ecs.update_service(desiredCount=0, **named)
        service = wait_until_steady(service)
    ecs.delete_service(**named, **({"force": True} if force else {}))
    eventually(lambda: not registered(cloudmap, registry), within=timeouts.TASK)

    def both_stay():
        service_id = cloudmap.get_service(Id=registry["Id"])["Service"]["Id"]
        namespace_id = cloudmap.get_namespace(Id=http_namespace["Id"])["Namespace"]["Id"]
        return (service_id, namespace_id) == (registry["Id"], http_namespace["Id"])

    always(both_stay, during=30)
