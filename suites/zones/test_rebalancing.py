"""Availability Zone rebalancing: a task is moved to an empty zone, which the registry shows as churn."""

from __future__ import annotations

from collections import Counter

import pytest

from surveyor.testing import for_each, id_of, proves, timeouts

MINUTES = 15
"""For which a service that must not be rebalanced is watched; no document says how soon ECS begins."""


@pytest.fixture
def unbalanced(
    ec2, own_cluster, make_task_definition, make_ecs_service, make_service, wait_until_steady, http_namespace,
    start_container_instances, network, tasks_of,
):  # fmt: skip
    """Return `unbalanced(**params)`: a service with two tasks in one zone, its registry, and these tasks.

    An instance in another zone has joined the cluster then.
    """

    def make(**params):
        subnets = network["awsvpcConfiguration"]["subnets"]
        found = ec2.describe_subnets(SubnetIds=subnets)["Subnets"]
        first, second = sorted({subnet["AvailabilityZone"]: subnet["SubnetId"] for subnet in found}.items())[:2]
        start_container_instances(SubnetId=first[1])
        definition = make_task_definition(networkMode="awsvpc", requiresCompatibilities=["EC2"])
        registry = make_service(http_namespace)
        service = make_ecs_service(definition, registry, count=2, launchType="EC2", **params)
        wait_until_steady(service)
        before = {task["taskArn"] for task in tasks_of(service)}
        start_container_instances(SubnetId=second[1])
        return service, registry, before

    return make


@proves("zones.rebalancing.moves-a-task", "zones.rebalancing.starts-first")
def test_a_task_is_moved_to_an_empty_zone(cloudmap, unbalanced, tasks_of, eventually, report_figure, clock):
    """Once a second zone has an instance one of two tasks runs there, and the registry never has fewer than two."""
    # guide, service-rebalancing: "The scheduler waits for the newly started tasks to be HEALTHY and RUNNING before
    # stopping the tasks in the over-scaled Availability Zone."
    service, registry, before = unbalanced()
    registered = []
    began = clock.now()

    def is_balanced():
        registered.append({one["Id"] for one in cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]})
        found = [task for task in tasks_of(service) if task["lastStatus"] == "RUNNING"]
        return len(found) == 2 and len(Counter(task["availabilityZone"] for task in found)) == 2 and found

    found = eventually(is_balanced, within=MINUTES * 60, poll_every=2)
    report_figure("time until the service was balanced", 0, clock.now() - began)
    after = {task["taskArn"] for task in found}
    assert len(before & after) == 1
    assert min(len(ids) for ids in registered) >= 2
    [new] = after - before
    eventually(
        lambda: id_of(new) in {one["Id"] for one in cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]},
        within=timeouts.DISCOVERY,
    )
    report_figure("instances that the registry had at most", max(len(ids) for ids in registered), unit="instances")


@proves("zones.rebalancing.off")
@for_each(
    "params",
    {
        "disabled": {"availabilityZoneRebalancing": "DISABLED"},
        "maximum": {"deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 100}},
    },
)
def test_a_service_that_is_not_rebalanced(unbalanced, tasks_of, always, params):
    """With DISABLED, and with a maximumPercent of 100, the tasks stay where they are."""
    # guide, service-rebalancing: "You can't use Availability Zone rebalancing with services that ... Uses 100% for the
    # maximumPercent value"
    service, _, before = unbalanced(**params)
    always(lambda: {task["taskArn"] for task in tasks_of(service)} == before, during=MINUTES * 60)
