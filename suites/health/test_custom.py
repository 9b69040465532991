"""Custom health checks: reported status, and when it takes effect."""

import json

import pytest

from surveyor.testing import proves, raises, timeouts

CUSTOM = {"HealthCheckCustomConfig": {"FailureThreshold": 1}}
# Nothing listens at port 1 (tcpmux).
DEAD = {"AWS_INSTANCE_IPV4": "127.0.0.1", "AWS_INSTANCE_PORT": "1"}
# Route 53 does not check private and documentation ranges; this is a name server of Route 53.
NAME_SERVER = {"AWS_INSTANCE_IPV4": "205.251.192.1", "AWS_INSTANCE_PORT": "53"}


class CheckedInstance:
    """The instance i-1 of a service with a custom check."""

    def __init__(self, cloudmap, service):
        self.cloudmap, self.service = cloudmap, service

    def status(self):
        """Return its status in GetInstancesHealthStatus."""
        return str(self.cloudmap.get_instances_health_status(ServiceId=self.service)["Status"].get("i-1"))

    def report(self, status):
        """Call UpdateInstanceCustomHealthStatus."""
        self.cloudmap.update_instance_custom_health_status(ServiceId=self.service, InstanceId="i-1", Status=status)


@pytest.fixture
def instance(cloudmap, make_service, register, eventually, http_namespace):
    """Register a healthy instance of a service with a custom check."""
    service = make_service(http_namespace, **CUSTOM)["Id"]
    register(service, "i-1", DEAD)
    registered = CheckedInstance(cloudmap, service)
    # GetInstancesHealthStatus: "a brief delay between when you register an instance and when [it] is available"
    eventually(lambda: registered.status() == "HEALTHY", within=20)
    return registered


@proves("health.custom.only-on-custom-checks")
@pytest.mark.parametrize("check", [{}, {"HealthCheckConfig": {"Type": "TCP"}}], ids=["no check", "Route 53 check"])
def test_only_custom_checks_accept_a_status(cloudmap, make_service, register, http_namespace, check):
    """Without a custom check a reported status raises CustomHealthNotFound; with one it is accepted."""
    without, custom = make_service(http_namespace, **check)["Id"], make_service(http_namespace, **CUSTOM)["Id"]
    for service in (without, custom):
        register(service, "i-1", NAME_SERVER)
    with raises("CustomHealthNotFound"):
        cloudmap.update_instance_custom_health_status(ServiceId=without, InstanceId="i-1", Status="UNHEALTHY")
    cloudmap.update_instance_custom_health_status(ServiceId=custom, InstanceId="i-1", Status="UNHEALTHY")


@proves("health.custom.takes-thirty-seconds")
def test_change_takes_thirty_seconds(instance, eventually, always, tolerance):
    """UNHEALTHY takes effect about 30 seconds after the report, not sooner; HEALTHY not later than that."""
    instance.report("UNHEALTHY")
    always(lambda: instance.status() == "HEALTHY", during=timeouts.CUSTOM_HEALTH - tolerance)
    eventually(lambda: instance.status() == "UNHEALTHY", within=2 * tolerance)
    instance.report("HEALTHY")
    eventually(lambda: instance.status() == "HEALTHY", within=timeouts.CUSTOM_HEALTH + tolerance)


@proves("health.custom.repetition-does-not-hasten")
def test_repetition_does_not_hasten(instance, clock, eventually, tolerance):
    """UNHEALTHY reported at 0, 10 and 20 seconds takes effect 30 seconds after the first report."""
    start = clock.now()
    for _ in range(3):
        instance.report("UNHEALTHY")
        clock.wait(10 - tolerance / 3)
    assert instance.status() == "HEALTHY", f"after {clock.now() - start:.1f} s"
    eventually(lambda: instance.status() == "UNHEALTHY", within=2 * tolerance)


@proves("health.custom.opposite-cancels")
def test_opposite_cancels(instance, clock, always):
    """With HEALTHY reported 15 seconds after UNHEALTHY the instance never becomes unhealthy."""
    instance.report("UNHEALTHY")
    clock.wait(15)
    assert instance.status() == "HEALTHY"
    instance.report("HEALTHY")
    always(lambda: instance.status() == "HEALTHY", during=2.5 * timeouts.CUSTOM_HEALTH)


@proves("health.custom.never-probed")
def test_endpoint_is_never_probed(instance, clock):
    """Nothing listens at the instance's port, and it is still HEALTHY after five minutes without a report."""
    for _ in range(5):
        clock.wait(60)
        assert instance.status() == "HEALTHY"


@proves("health.custom.update-answers-nothing")
def test_update_returns_no_members(instance, post_to_cloudmap):
    """On the wire the response has no members, not even an OperationId."""
    operation = "Route53AutoNaming_v20170314.UpdateInstanceCustomHealthStatus"
    body = {"ServiceId": instance.service, "InstanceId": "i-1", "Status": "UNHEALTHY"}
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": operation}
    answer = post_to_cloudmap("/", headers, json.dumps(body).encode())
    assert json.loads(answer.body or b"{}") == {}
