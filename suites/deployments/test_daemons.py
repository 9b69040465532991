"""The DAEMON scheduling strategy: one task on each container instance, in a registry."""

from __future__ import annotations

from collections import Counter

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import id_of, proves, raises, timeouts

ON_EC2 = {"requiresCompatibilities": ["EC2"], "networkMode": "awsvpc"}
UNCHANGED = 300
"""Service seconds during which a task must not be placed; no document says how soon ECS looks at instances."""


@pytest.fixture
def make_daemon(make_task_definition, make_ecs_service):
    """Return `make_daemon(registry=None, **params)`: a service of daemons on EC2, without a desired count."""

    def make(registry=None, **params):
        definition = make_task_definition(**ON_EC2)
        fixed = {"launchType": "EC2", "schedulingStrategy": "DAEMON", "desiredCount": None}
        return make_ecs_service(definition, registry, **{**fixed, **params})

    return make


@pytest.fixture
def running_on(tasks_of):
    """Return `running_on(service)`: how many tasks of the service run on each container instance."""

    def count(service):
        return Counter(task["containerInstanceArn"] for task in tasks_of(service) if task["lastStatus"] == "RUNNING")

    return count


@proves("deployments.daemon.one-on-each-instance", "deployments.daemon.new-instances", "deployments.daemon.draining")
def test_each_instance_has_one_task(
    ecs, cloudmap, make_daemon, make_service, http_namespace, start_container_instances, running_on, tasks_of,
    eventually, always, report_figure, clock, cluster,
):  # fmt: skip
    """Two instances have a task each, a third one gets one, and a draining one loses its task until it is ACTIVE."""
    # ecs/CreateServiceRequest.schedulingStrategy: "deploys exactly one task on each active container instance"
    first = {host["containerInstanceArn"] for host in start_container_instances(2)}
    registry = make_service(http_namespace)
    service = make_daemon(registry)

    def is_on(hosts):
        return running_on(service) == dict.fromkeys(hosts, 1)

    def are_registered():
        ids = {one["Id"] for one in cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]}
        return ids == {id_of(task) for task in tasks_of(service)}

    eventually(lambda: is_on(first), within=timeouts.DEPLOYMENT)
    eventually(are_registered, within=timeouts.DISCOVERY)
    [added] = {host["containerInstanceArn"] for host in start_container_instances()}
    began = clock.now()
    eventually(lambda: is_on({*first, added}), within=timeouts.DEPLOYMENT)
    report_figure("time from the instance to its task", 0, clock.now() - began)
    drained = min(first)

    def placed():
        tasks = [*tasks_of(service), *tasks_of(service, "STOPPED")]
        return {task["taskArn"] for task in tasks if task["containerInstanceArn"] == drained}

    before = placed()
    # guide: "If a container instance transitions to a DRAINING status, the daemon tasks on it are stopped."
    ecs.update_container_instances_state(cluster=cluster, containerInstances=[drained], status="DRAINING")
    others = {*first, added} - {drained}
    eventually(lambda: is_on(others), within=timeouts.DEPLOYMENT)
    eventually(are_registered, within=timeouts.DISCOVERY)
    always(lambda: is_on(others) and placed() <= before, during=UNCHANGED)
    ecs.update_container_instances_state(cluster=cluster, containerInstances=[drained], status="ACTIVE")
    eventually(lambda: is_on({*first, added}), within=timeouts.DEPLOYMENT)


@proves("deployments.daemon.percentages")
def test_the_percentages_of_daemons(make_daemon):
    """They are 0 and 100 by default, and no other maximum is accepted."""
    # guide: "the value for the maximumPercent parameter must be 100"
    made = make_daemon()
    assert made["schedulingStrategy"] == "DAEMON"
    configuration = made["deploymentConfiguration"]
    assert (configuration["minimumHealthyPercent"], configuration["maximumPercent"]) == (0, 100)
    half = make_daemon(deploymentConfiguration={"minimumHealthyPercent": 50})["deploymentConfiguration"]
    assert (half["minimumHealthyPercent"], half["maximumPercent"]) == (50, 100)
    for percent in (101, 150, 200):
        with raises("InvalidParameterException"):
            make_daemon(deploymentConfiguration={"minimumHealthyPercent": 50, "maximumPercent": percent})


@proves("deployments.daemon.stops-first")
def test_a_daemon_is_replaced_on_its_instance(
    cloudmap, make_daemon, make_task_definition, make_service, http_namespace, start_container_instances, running_on,
    tasks_of, deploy, newest_deployment, eventually, report_figure, clock,
):  # fmt: skip
    """A deployment begins to stop the task of an instance before it creates the one that replaces it there."""
    # guide: "the value for the maximumPercent parameter must be 100"; ecs/DeploymentConfiguration.maximumPercent: "an
    # upper limit on the number of your service's tasks that are allowed in the RUNNING or PENDING state"
    [host] = start_container_instances()
    registry = make_service(http_namespace)
    service = make_daemon(registry)
    expected = {host["containerInstanceArn"]: 1}
    eventually(lambda: running_on(service) == expected, within=timeouts.DEPLOYMENT)
    eventually(lambda: newest_deployment(service)["status"] == "SUCCESSFUL", within=timeouts.DEPLOYMENT)
    [old] = tasks_of(service)
    definition = make_task_definition(**ON_EC2)
    deploy(service, taskDefinition=definition["taskDefinitionArn"])
    registered = []

    def has_ended():
        registered.append((clock.now(), len(cloudmap.list_instances(ServiceId=registry["Id"])["Instances"])))
        return newest_deployment(service)["status"] == "SUCCESSFUL"

    eventually(has_ended, within=timeouts.DEPLOYMENT, poll_every=1)
    [new] = tasks_of(service)
    [old] = [task for task in tasks_of(service, "STOPPED") if task["taskArn"] == old["taskArn"]]
    assert new["containerInstanceArn"] == old["containerInstanceArn"]
    assert new["createdAt"] > old["stoppingAt"]
    empty = [moment for moment, count in registered if count == 0]
    report_figure("time without a registered instance", 0, max(empty, default=0) - min(empty, default=0))


@proves("deployments.daemon.neither-fargate-nor-task-sets")
def test_where_daemons_cannot_run(make_task_definition, make_ecs_service, make_daemon):
    """Fargate, and a controller of the type EXTERNAL, are refused; so is a capacity provider of Fargate."""
    # ecs/CreateServiceRequest.schedulingStrategy: "Tasks using the Fargate launch type or the CODE_DEPLOY or EXTERNAL
    # deployment controller types don't support the DAEMON scheduling strategy."
    with pytest.raises(ClientError):
        make_ecs_service(make_task_definition(), launchType="FARGATE", schedulingStrategy="DAEMON", desiredCount=None)
    for controller in ("EXTERNAL", "CODE_DEPLOY"):
        with pytest.raises(ClientError):
            make_daemon(deploymentController={"type": controller})


@proves("deployments.daemon.deleted-without-force")
def test_daemons_are_deleted_without_force(
    ecs, make_daemon, start_container_instances, running_on, read_until, eventually, cluster
):
    """A service whose daemons run is deleted without `force`."""
    # ecs/DeleteServiceRequest.force: "It's only necessary to use this if the service uses the REPLICA scheduling
    # strategy."
    start_container_instances()
    service = make_daemon()
    eventually(lambda: running_on(service), within=timeouts.DEPLOYMENT)
    name = service["serviceName"]
    assert ecs.delete_service(cluster=cluster, service=name)["service"]["status"] == "DRAINING"

    def is_gone():
        [found] = ecs.describe_services(cluster=cluster, services=[name])["services"]
        return found["status"] == "INACTIVE"

    eventually(is_gone, within=timeouts.DEPLOYMENT)
