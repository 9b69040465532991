"""InstancesRevision, by which a client knows whether its list of instances is current."""

import pytest

from surveyor.testing import proves, timeouts


@pytest.fixture
def service(make_service, http_namespace):
    """Return a service with a custom health check."""
    return make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})


@pytest.fixture
def names(http_namespace, service):
    """Return the names by which instances of the service are discovered."""
    return {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}


@proves("discovery.revision-rises-with-membership-only")
def test_revision_increases_with_each_change_of_members(cloudmap, register, deregister, eventually, service, names):
    """When DiscoverInstances returns another set of instances, larger or smaller, its revision is higher."""
    revisions = [cloudmap.discover_instances(**names)["InstancesRevision"]]

    def record_revision_of(*expected):
        def expected_instances():
            answer = cloudmap.discover_instances(**names)
            return {instance["InstanceId"] for instance in answer["Instances"]} == set(expected) and answer

        revisions.append(eventually(expected_instances, within=timeouts.DISCOVERY)["InstancesRevision"])

    register(service, "i-1", {"colour": "red"})
    record_revision_of("i-1")
    register(service, "i-2", {"colour": "red"})
    record_revision_of("i-1", "i-2")
    deregister(service, "i-1")
    record_revision_of("i-2")
    deregister(service, "i-2")
    record_revision_of()
    assert revisions == sorted(set(revisions))


@proves("discovery.revision-rises-with-membership-only")
def test_revision_stays_when_health_changes(cloudmap, register_all, eventually, service, names):
    """When DiscoverInstances shows an instance as unhealthy, the revision has not changed."""
    register_all(service, {"i-1": {"colour": "red"}, "i-2": {"colour": "red"}})

    def healthy(count):
        answer = cloudmap.discover_instances(**names, HealthStatus="HEALTHY")
        return len(answer["Instances"]) == count and answer

    before = eventually(lambda: healthy(2), within=timeouts.DISCOVERY)["InstancesRevision"]
    cloudmap.update_instance_custom_health_status(ServiceId=service["Id"], InstanceId="i-1", Status="UNHEALTHY")
    after = eventually(lambda: healthy(1), within=timeouts.CUSTOM_HEALTH + timeouts.DISCOVERY)["InstancesRevision"]
    assert after == before


@proves("discovery.revision-rises-with-membership-only")
def test_both_calls_return_the_same_revision(cloudmap, register, eventually, service, names):
    """DiscoverInstancesRevision returns the revision of DiscoverInstances, before and after a change."""

    def same_revision():
        answer = cloudmap.discover_instances(**names)
        revision = cloudmap.discover_instances_revision(**names)["InstancesRevision"]
        return answer["InstancesRevision"] == revision and answer

    before = eventually(same_revision, within=timeouts.DISCOVERY)
    register(service, "i-1", {"colour": "red"})
    eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    after = eventually(same_revision, within=timeouts.DISCOVERY)
    assert after["InstancesRevision"] > before["InstancesRevision"]
