"""InstancesRevision, by which a client knows whether its list of instances is current."""

from itertools import pairwise

import pytest

from surveyor.testing import WrongAnswer, proves, timeouts


@pytest.fixture
def service(make_service, http_namespace):
    """Return a service with a custom health check."""
    return make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})


@pytest.fixture
def discovered_with_revision(cloudmap, eventually, http_namespace, service):
    """Wait until exactly these instances are discovered, and return the revision that both operations then return."""
    names = {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}

    def wait_for(*expected, within=timeouts.DISCOVERY, **parameters):
        def expected_instances():
            answer = cloudmap.discover_instances(**names, **parameters)
            found = {instance["InstanceId"] for instance in answer["Instances"]}
            alone = cloudmap.discover_instances_revision(**names)["InstancesRevision"]
            return found == set(expected) and answer["InstancesRevision"] == alone and answer

        return eventually(expected_instances, within=within)["InstancesRevision"]

    return wait_for


@proves("discovery.revision-rises-with-membership-only")
def test_revision_increases_with_each_change_of_members(register, deregister, service, discovered_with_revision):
    """When another set of instances is discovered, larger or smaller, the revision of both operations is higher."""
    # servicediscovery/DiscoverInstancesResponse.InstancesRevision: "If a new instance is registered or deregistered,
    # the InstancesRevision updates."
    revisions = [discovered_with_revision()]
    register(service, "i-1", {"colour": "red"})
    revisions.append(discovered_with_revision("i-1"))
    register(service, "i-2", {"AWS_INIT_HEALTH_STATUS": "UNHEALTHY"})
    revisions.append(discovered_with_revision("i-1", "i-2", HealthStatus="ALL"))
    deregister(service, "i-1")
    revisions.append(discovered_with_revision("i-2", HealthStatus="ALL"))
    deregister(service, "i-2")
    revisions.append(discovered_with_revision(HealthStatus="ALL"))
    register(service, "i-1", {"colour": "red"})
    revisions.append(discovered_with_revision("i-1"))
    if any(later <= earlier for earlier, later in pairwise(revisions)):
        raise WrongAnswer(
            f"expected a higher revision after each change, got {revisions}",
            actual="a change does not raise the revision",
        )


@proves("discovery.revision-rises-with-membership-only")
def test_revision_stays_when_health_changes(cloudmap, register_all, service, discovered_with_revision):
    """When an instance is discovered as unhealthy, and as healthy again, neither operation has another revision."""
    # "The health status updates don't update InstancesRevision."
    register_all(service, {"i-1": {"colour": "red"}, "i-2": {"colour": "red"}})
    revisions = {discovered_with_revision("i-1", "i-2", HealthStatus="HEALTHY")}
    for status, healthy in (("UNHEALTHY", ["i-2"]), ("HEALTHY", ["i-1", "i-2"])):
        cloudmap.update_instance_custom_health_status(ServiceId=service["Id"], InstanceId="i-1", Status=status)
        within = timeouts.CUSTOM_HEALTH + timeouts.DISCOVERY
        revisions.add(discovered_with_revision(*healthy, HealthStatus="HEALTHY", within=within))
    assert len(revisions) == 1
