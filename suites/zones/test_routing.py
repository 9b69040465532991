"""Zone-aware routing of Service Connect: which part of the calls stays in the caller's zone, and what if it is lost."""

from __future__ import annotations

from collections import Counter

from surveyor.testing import Inconclusive, address_of, for_each, proves, timeouts


def require_balance(zones, expected):
    """Raise Inconclusive unless ECS has spread the tasks evenly, which it promises as a best effort."""
    counts = Counter(zones.values())
    if sorted(counts.values()) != sorted(expected):
        raise Inconclusive(f"ECS has spread the tasks unevenly: {dict(counts)}; run it again")


@proves("zones.routing.same-zone", "zones.routing.below-the-threshold", "zones.routing.active-again")
def test_calls_stay_in_the_zone(
    ecs, make_connect_service, wait_until_steady, running_by_zone, in_zone_share, report_figure, eventually, cluster,
    region_zones,
):  # fmt: skip
    """With two tasks in each zone more than 80 percent of the calls stay in it; with one task less, a third or so."""
    # guide, service-connect-zone-aware-routing: "the proxy requires at least 2 x the number of AZs as available
    # endpoints in the destination service."
    count = 2 * len(region_zones)
    server = make_connect_service("backend", count=count)
    wait_until_steady(server.service)
    client = make_connect_service(count=len(region_zones))
    wait_until_steady(client.service)
    zones = running_by_zone(server.service)
    require_balance(zones, [2] * len(region_zones))
    require_balance(running_by_zone(client.service), [1] * len(region_zones))

    def total(shares):
        return sum(shares.values()) / len(shares)

    def share_inside():
        inside = total(in_zone_share(client.service, server.url, zones))
        return inside if inside > 0.8 else None

    inside = eventually(share_inside, within=timeouts.DISCOVERY, poll_every=5)
    report_figure(f"calls in the caller's zone with {count} tasks", 100 * inside, unit="%")
    ecs.update_service(cluster=cluster, service=server.service["serviceName"], desiredCount=count - 1)
    wait_until_steady(server.service)
    fewer = eventually(
        lambda: len(found := running_by_zone(server.service)) == count - 1 and found, within=timeouts.TASK
    )

    def even():
        shares = in_zone_share(client.service, server.url, fewer, calls=12 * len(fewer))
        expected = Counter(fewer.values())
        return all(abs(share - expected[zone] / len(fewer)) <= 0.1 for zone, share in shares.items()) and shares

    below = total(eventually(even, within=timeouts.DISCOVERY, poll_every=5))
    report_figure(f"calls in the caller's zone with {count - 1} tasks", 100 * below, unit="%")
    ecs.update_service(cluster=cluster, service=server.service["serviceName"], desiredCount=count)
    wait_until_steady(server.service)
    zones = running_by_zone(server.service)
    require_balance(zones, [2] * len(region_zones))
    eventually(share_inside, within=timeouts.DISCOVERY, poll_every=5)


@proves("zones.routing.below-the-threshold")
@for_each("where", ["one in each zone", "all in one zone"])
def test_few_endpoints_are_called_alike(
    ec2, make_connect_service, wait_until_steady, running_by_zone, in_zone_share, eventually, network, region_zones,
    where,
):  # fmt: skip
    """With as many tasks as zones calls from each zone go to all of them alike, wherever the tasks are."""
    # guide, service-connect-zone-aware-routing: "the proxy requires at least 2 x the number of AZs as available
    # endpoints in the destination service."
    params = {}
    if where == "all in one zone":
        found = ec2.describe_subnets(SubnetIds=network["awsvpcConfiguration"]["subnets"])["Subnets"]
        chosen = [one["SubnetId"] for one in found if one["AvailabilityZone"] == region_zones[0]]
        params["networkConfiguration"] = {"awsvpcConfiguration": {**network["awsvpcConfiguration"], "subnets": chosen}}
    server = make_connect_service("backend", count=len(region_zones), **params)
    wait_until_steady(server.service)
    client = make_connect_service(count=len(region_zones))
    wait_until_steady(client.service)
    zones = running_by_zone(server.service)
    require_balance(zones, [len(region_zones)] if params else [1] * len(region_zones))
    expected = Counter(zones.values())

    def even():
        shares = in_zone_share(client.service, server.url, zones)
        return all(abs(share - expected[zone] / len(zones)) <= 0.1 for zone, share in shares.items())

    eventually(even, within=timeouts.DISCOVERY, poll_every=5)


@proves("zones.routing.falls-over")
def test_a_zone_is_lost(
    ecs, make_connect_service, wait_until_steady, running_by_zone, call_from_task, tasks_of, report_figure, eventually,
    cluster, region_zones,
):  # fmt: skip
    """When all tasks of a zone are stopped, calls from it are answered by tasks of other zones."""
    # guide, service-connect-zone-aware-routing: "If endpoints in the same AZ become unavailable, traffic redistributes
    # across other AZs to maintain availability."
    count = 2 * len(region_zones) + 2
    server = make_connect_service("backend", count=count)
    wait_until_steady(server.service)
    client = make_connect_service(count=len(region_zones))
    wait_until_steady(client.service)
    zones = running_by_zone(server.service)
    callers = {task["availabilityZone"]: task for task in tasks_of(client.service)}
    if set(callers) != set(region_zones) or set(zones.values()) != set(region_zones):
        raise Inconclusive("ECS has spread the tasks unevenly; run it again")
    lost = region_zones[0]
    victims = [task for task in tasks_of(server.service) if task["availabilityZone"] == lost]
    for task in victims:
        ecs.stop_task(cluster=cluster, task=task["taskArn"])
    gone = {address_of(task) for task in victims}

    def others_answer():
        calls = call_from_task(callers[lost], server.url, times=30)
        if any(call.status != 200 for call in calls):
            return None
        reached = {call.address for call in calls}
        return not reached & gone and calls

    calls = eventually(others_answer, within=timeouts.DISCOVERY, poll_every=2)
    outside = sum(zones.get(call.address, lost) != lost for call in calls) / len(calls)
    report_figure("calls from the lost zone that other zones answered", 100 * outside, unit="%")
    assert outside > 0


@proves("zones.spread.services")
def test_tasks_are_spread_over_zones(
    make_task_definition, make_ecs_service, wait_until_steady, running_by_zone, report_figure, region_zones
):
    """With two tasks for each zone of its subnets every zone gets tasks, and none gets three more than another."""
    # guide, ecs_service-options: "the service scheduler uses a best attempt to maintain a balance across Availability
    # Zones."
    service = make_ecs_service(make_task_definition(), count=2 * len(region_zones))
    wait_until_steady(service)
    counts = Counter(running_by_zone(service).values())
    spread = [counts[zone] for zone in region_zones]
    report_figure("tasks in the fullest zone beyond those in the emptiest", max(spread) - min(spread), unit="tasks")
    assert max(spread) - min(spread) < 2
