"""Services behind a load balancer: their tasks are its targets."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import TASK_PORT, address_of, proves, raises, timeouts

HOLD = 5
"""The deregistration delay of make_load_balancer's target group, in seconds."""


@pytest.fixture
def balanced(client, make_load_balancer, task_vpc, network):
    """Return a function for the targets of a target group as (address, port) -> state, and serviceLoadBalancers."""
    group = make_load_balancer(task_vpc, network["awsvpcConfiguration"]["subnets"]).group
    elb = client("elbv2")

    def targets():
        found = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return {(one["Target"]["Id"], one["Target"]["Port"]): one["TargetHealth"]["State"] for one in found}

    return targets, [{"targetGroupArn": group, "containerName": "app", "containerPort": TASK_PORT}]


@proves("ecs.load-balancer.targets")
def test_tasks_are_targets(
    ecs, make_service, make_task_definition, make_ecs_service, wait_until_steady, tasks_of, describe_task, call_task,
    read_until, eventually, cloudmap, cluster, http_namespace, balanced,
):  # fmt: skip
    """A task that runs is a target and counts once it is healthy; a failing one is replaced; a stopped one is none."""
    # ecs/UpdateContainerInstancesState, of services with a load balancer: tasks "are considered healthy if they're in
    # the RUNNING state and are reported as healthy by the load balancer."
    targets, load_balancers = balanced
    registry, definition = make_service(http_namespace), make_task_definition()
    service = make_ecs_service(definition, registry, loadBalancers=load_balancers)
    assert service["loadBalancers"] == load_balancers
    running = eventually(
        lambda: [task for task in tasks_of(service) if task["lastStatus"] == "RUNNING"], within=timeouts.TASK
    )
    services = read_until(
        lambda: ecs.describe_services(cluster=cluster, services=[service["serviceName"]])["services"], bool
    )
    [deployment] = services[0]["deployments"]
    healthy = targets().get((address_of(running[0]), TASK_PORT)) == "healthy"
    assert healthy or deployment["rolloutState"] == "IN_PROGRESS"
    assert wait_until_steady(service)["loadBalancers"] == load_balancers
    [task] = tasks_of(service)
    assert targets() == {(address_of(task), TASK_PORT): "healthy"}
    call_task(task, "/health?do=fail", "PUT")

    def is_replaced():
        found = tasks_of(service)
        return [one["lastStatus"] for one in found] == ["RUNNING"] and found[0]["taskArn"] != task["taskArn"]

    eventually(is_replaced, within=timeouts.DEPLOYMENT)
    end = eventually(lambda: describe_task(task).get("stoppedAt") and describe_task(task), within=timeouts.TASK)
    assert end["stopCode"] == "ServiceSchedulerInitiated"
    # guide, task-lifecycle and load-balancer-connection-draining: the target is deregistered in the state DEACTIVATING,
    # and the containers are stopped after the delay.
    assert (end["executionStoppedAt"] - end["stoppingAt"]).total_seconds() >= HOLD - 1
    wait_until_steady(service)
    [other] = tasks_of(service)
    eventually(lambda: targets() == {(address_of(other), TASK_PORT): "healthy"}, within=timeouts.TASK)
    changed = ecs.update_service(cluster=cluster, service=service["serviceName"], forceNewDeployment=True)["service"]
    assert changed["loadBalancers"] == load_balancers
    wait_until_steady(service)
    assert [state for state in targets().values() if state == "healthy"] == ["healthy"]
    ecs.update_service(cluster=cluster, service=service["serviceName"], desiredCount=0)
    eventually(lambda: not tasks_of(service) and "healthy" not in targets().values(), within=timeouts.TASK)
    eventually(lambda: not cloudmap.list_instances(ServiceId=registry["Id"])["Instances"], within=timeouts.TASK)


@proves("ecs.load-balancer.form")
def test_a_target_group_belongs_to_a_container_port(make_task_definition, make_ecs_service, balanced):
    """The container and its port are those of the task definition, and the target group exists."""
    # ecs/LoadBalancer.containerPort: "This port must correspond to a containerPort in the task definition the tasks in
    # the service are using."
    [entry] = balanced[1]
    definition = make_task_definition(beside={"side": {}})
    refused = (
        {"containerName": "another"},
        {"containerPort": TASK_PORT + 1},
        {"containerName": "side"},
        {"targetGroupArn": f"{entry['targetGroupArn'][:-4]}0000"},
    )
    for wrong in refused:
        with pytest.raises(ClientError):
            make_ecs_service(definition, count=0, loadBalancers=[{**entry, **wrong}])
    side = {**entry, "containerName": "side", "containerPort": TASK_PORT + 1}
    for accepted in (entry, side):
        assert make_ecs_service(definition, count=0, loadBalancers=[accepted])["loadBalancers"] == [accepted]
    # ecs/CreateServiceRequest.role: "If you specify the role parameter, you must also specify a load balancer object
    # with the loadBalancers parameter."
    with raises("InvalidParameterException"):
        make_ecs_service(definition, count=0, role="surveyor-role")
