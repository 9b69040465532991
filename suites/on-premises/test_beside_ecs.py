"""Instances on premises and tasks of ECS in one service, as in a migration."""

from surveyor.testing import id_of, proves, timeouts

CUSTOM = {"HealthCheckCustomConfig": {"FailureThreshold": 1}}
SITE = {"site": "on-premises"}


def listed(cloudmap, service):
    """Return the attributes of the instances of a Cloud Map service, by id."""
    instances = cloudmap.list_instances(ServiceId=service["Id"])["Instances"]
    return {instance["Id"]: instance["Attributes"] for instance in instances}


@proves("on-premises.beside-ecs.tasks-come-and-go-alone")
def test_tasks_come_and_go_beside_other_instances(
    ecs, cloudmap, make_service, register, deregister, make_task_definition, make_ecs_service, wait_until_steady,
    tasks_of, eventually, cluster, http_namespace,
):  # fmt: skip
    """A deployment, a scale-in to none and a scale-out leave what was registered by hand, and the other way round."""
    registry = make_service(http_namespace, **CUSTOM)
    service = wait_until_steady(make_ecs_service(make_task_definition(), registry, count=2))
    host = {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_PORT": "8080", **SITE}
    register(registry, "host-1", host)
    cloudmap.update_instance_custom_health_status(ServiceId=registry["Id"], InstanceId="host-1", Status="UNHEALTHY")

    def hand_registered():
        status = cloudmap.get_instances_health_status(ServiceId=registry["Id"])["Status"].get("host-1")
        return listed(cloudmap, registry).get("host-1"), status

    eventually(lambda: hand_registered() == (host, "UNHEALTHY"), within=timeouts.CUSTOM_HEALTH + timeouts.DISCOVERY)

    def has_tasks(count):
        tasks = {id_of(task) for task in tasks_of(service) if task["lastStatus"] == "RUNNING"}
        assert hand_registered() == (host, "UNHEALTHY")
        return len(tasks) == count and listed(cloudmap, registry).keys() == {"host-1", *tasks}

    before = listed(cloudmap, registry).keys()
    ecs.update_service(cluster=cluster, service=service["serviceName"], forceNewDeployment=True)
    eventually(
        lambda: has_tasks(2) and listed(cloudmap, registry).keys() & before == {"host-1"}, within=timeouts.DEPLOYMENT
    )
    for count in (0, 1):
        ecs.update_service(cluster=cluster, service=service["serviceName"], desiredCount=count)
        eventually(lambda count=count: has_tasks(count), within=timeouts.DEPLOYMENT)
    deregister(registry, "host-1")
    [task] = tasks_of(service)
    assert listed(cloudmap, registry).keys() == {id_of(task)}


@proves("on-premises.beside-ecs.distinguished-by-attributes")
def test_attributes_tell_tasks_and_other_instances_apart(
    ecs, cloudmap, make_service, register_all, make_task_definition, make_ecs_service, wait_until_steady, tasks_of,
    eventually, cluster, http_namespace,
):  # fmt: skip
    """ECS_SERVICE_NAME finds the tasks and a custom attribute the others; optional parameters fall back to these."""
    registry = make_service(http_namespace)
    service = wait_until_steady(make_ecs_service(make_task_definition(), registry, count=2))
    hosts = {f"host-{number}": {"AWS_INSTANCE_IPV4": f"192.0.2.{number}", **SITE} for number in (1, 2)}
    register_all(registry, hosts)
    of_ecs = {"ECS_SERVICE_NAME": service["serviceName"]}

    def found(**parameters):
        name = {"NamespaceName": http_namespace["Name"], "ServiceName": registry["Name"]}
        instances = cloudmap.discover_instances(**name, HealthStatus="ALL", **parameters)["Instances"]
        return {instance["InstanceId"] for instance in instances}

    tasks = {id_of(task) for task in tasks_of(service)}
    eventually(lambda: found() == {*tasks, *hosts}, within=timeouts.DISCOVERY)
    assert found(QueryParameters=of_ecs) == tasks
    assert found(QueryParameters=SITE) == hosts.keys()
    assert found(QueryParameters={**of_ecs, **SITE}) == set()
    assert found(OptionalParameters=of_ecs) == tasks
    ecs.update_service(cluster=cluster, service=service["serviceName"], desiredCount=0)
    eventually(lambda: found() == hosts.keys(), within=timeouts.DEPLOYMENT)
    # OptionalParameters: "If there are instances that match both the filters specified in both the QueryParameters
    # parameter and this parameter, all of these instances are returned. Otherwise, the filters are ignored"
    assert found(OptionalParameters=of_ecs) == hosts.keys()
