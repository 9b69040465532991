"""What the tests of zones share: tasks of a service by zone, and calls from one task in each zone."""

from __future__ import annotations

from collections import Counter

import pytest

from surveyor.testing import Inconclusive, address_of


@pytest.fixture
def region_zones(ec2, network):
    """Return the zones of the Region, all of which the run's subnets must be in."""
    opted_in = [{"Name": "zone-type", "Values": ["availability-zone"]}]
    zones = {zone["ZoneName"] for zone in ec2.describe_availability_zones(Filters=opted_in)["AvailabilityZones"]}
    subnets = ec2.describe_subnets(SubnetIds=network["awsvpcConfiguration"]["subnets"])["Subnets"]
    if missing := zones - {subnet["AvailabilityZone"] for subnet in subnets}:
        raise Inconclusive(
            f"the tasks of this run have no subnet in {', '.join(sorted(missing))}: name one of each zone in [ecs] of "
            "a target file"
        )
    return sorted(zones)


@pytest.fixture
def running_by_zone(tasks_of):
    """Return `running_by_zone(service)`: address -> zone of each task that runs."""

    def running(service):
        return {
            address_of(task): task["availabilityZone"] for task in tasks_of(service) if task["lastStatus"] == "RUNNING"
        }

    return running


@pytest.fixture
def in_zone_share(call_from_task, tasks_of):
    """Return `in_zone_share(client, url, zones, calls)`: the part of the calls of each client's task that stay there.

    A call that fails counts as an error of the test.
    """

    def share(client, url, zones, calls=60):
        inside: Counter[str] = Counter()
        made: Counter[str] = Counter()
        for task in tasks_of(client):
            zone = task["availabilityZone"]
            for call in call_from_task(task, url, times=calls):
                assert call.status == 200, call
                made[zone] += 1
                inside[zone] += zones.get(call.address) == zone
        return {zone: inside[zone] / made[zone] for zone in made}

    return share
