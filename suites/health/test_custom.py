"""Custom health checks: what is reported, and when it holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from surveyor.testing import Always, Clock, Eventually, MakeService, PostToCloudMap, Register, proves, raises, timeouts

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


CUSTOM: dict[str, Any] = {"HealthCheckCustomConfig": {"FailureThreshold": 1}}
# Port 1 (tcpmux) is one where nothing listens.
DEAD = {"AWS_INSTANCE_IPV4": "127.0.0.1", "AWS_INSTANCE_PORT": "1"}
# Route 53 makes no checks for private and documentation ranges; this is one of its own name servers.
NAME_SERVER = {"AWS_INSTANCE_IPV4": "205.251.192.1", "AWS_INSTANCE_PORT": "53"}


class Reported:
    """The instance i-1 of a service with a custom check."""

    def __init__(self, cloudmap: ServiceDiscoveryClient, service: str) -> None:
        self.cloudmap, self.service = cloudmap, service

    def status(self) -> str:
        """What GetInstancesHealthStatus says."""
        return str(self.cloudmap.get_instances_health_status(ServiceId=self.service)["Status"].get("i-1"))

    def report(self, status: Any) -> None:
        """Call UpdateInstanceCustomHealthStatus."""
        self.cloudmap.update_instance_custom_health_status(ServiceId=self.service, InstanceId="i-1", Status=status)


@pytest.fixture
def reported(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    register: Register,
    eventually: Eventually,
    http_namespace: dict[str, Any],
) -> Reported:
    """A healthy instance on a service with a custom check."""
    service = make_service(http_namespace, **CUSTOM)["Id"]
    register(service, "i-1", DEAD)
    made = Reported(cloudmap, service)
    # GetInstancesHealthStatus: "a brief delay between when you register an instance and when [it] is available"
    eventually(lambda: made.status() == "HEALTHY", within=20)
    return made


@proves("health.custom.only-on-custom-checks")
@pytest.mark.parametrize("check", [{}, {"HealthCheckConfig": {"Type": "TCP"}}], ids=["no check", "Route 53 check"])
def test_only_custom_checks_take_a_status(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    register: Register,
    http_namespace: dict[str, Any],
    check: dict[str, Any],
) -> None:
    """A status for an instance without a custom check is CustomHealthNotFound, for one with it is taken."""
    without, custom = make_service(http_namespace, **check)["Id"], make_service(http_namespace, **CUSTOM)["Id"]
    for service in (without, custom):
        register(service, "i-1", NAME_SERVER)
    with raises("CustomHealthNotFound"):
        cloudmap.update_instance_custom_health_status(ServiceId=without, InstanceId="i-1", Status="UNHEALTHY")
    cloudmap.update_instance_custom_health_status(ServiceId=custom, InstanceId="i-1", Status="UNHEALTHY")


@proves("health.custom.takes-thirty-seconds")
def test_change_takes_thirty_seconds(
    reported: Reported, eventually: Eventually, always: Always, tolerance: float
) -> None:
    """UNHEALTHY holds about 30 seconds after it was reported, not sooner; HEALTHY no later than that."""
    reported.report("UNHEALTHY")
    always(lambda: reported.status() == "HEALTHY", during=timeouts.CUSTOM_HEALTH - tolerance)
    eventually(lambda: reported.status() == "UNHEALTHY", within=2 * tolerance)
    reported.report("HEALTHY")
    eventually(lambda: reported.status() == "HEALTHY", within=timeouts.CUSTOM_HEALTH + tolerance)


@proves("health.custom.repetition-does-not-hasten")
def test_repetition_does_not_hasten(reported: Reported, clock: Clock, eventually: Eventually, tolerance: float) -> None:
    """Reported at 0, 10 and 20 seconds, UNHEALTHY holds 30 seconds after the first report."""
    start = clock.now()
    for _ in range(3):
        reported.report("UNHEALTHY")
        clock.wait(10 - tolerance / 3)
    assert reported.status() == "HEALTHY", f"after {clock.now() - start:.1f} s"
    eventually(lambda: reported.status() == "UNHEALTHY", within=2 * tolerance)


@proves("health.custom.opposite-cancels")
def test_opposite_cancels(reported: Reported, clock: Clock, always: Always) -> None:
    """UNHEALTHY and 15 seconds later HEALTHY: the instance never is unhealthy."""
    reported.report("UNHEALTHY")
    clock.wait(15)
    assert reported.status() == "HEALTHY"
    reported.report("HEALTHY")
    always(lambda: reported.status() == "HEALTHY", during=2.5 * timeouts.CUSTOM_HEALTH)


@proves("health.custom.never-probed")
def test_nobody_looks_at_the_endpoint(reported: Reported, clock: Clock) -> None:
    """Nothing listens at the instance's port; five minutes later it is HEALTHY still, as nobody said otherwise."""
    for _ in range(5):
        clock.wait(60)
        assert reported.status() == "HEALTHY"


@proves("health.custom.update-answers-nothing")
def test_update_answers_nothing(reported: Reported, post_to_cloudmap: PostToCloudMap) -> None:
    """On the wire the answer has no members, so no OperationId either."""
    operation = "Route53AutoNaming_v20170314.UpdateInstanceCustomHealthStatus"
    body = {"ServiceId": reported.service, "InstanceId": "i-1", "Status": "UNHEALTHY"}
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": operation}
    answer = post_to_cloudmap("/", headers, json.dumps(body).encode())
    assert json.loads(answer.body or b"{}") == {}
