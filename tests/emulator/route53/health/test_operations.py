"""Operations on health checks behave as documented."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from surveyor_emulator.aws.route53.state import Checker, ProbeReport, Route53State
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import World

ACCOUNT = "111111111111"
TCP = {"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 80}


@pytest.fixture
def make(route53: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Return a function that creates a health check and returns it as the API shows it."""

    def call(reference: str = "r", **config: object) -> dict[str, Any]:
        created = route53("CreateHealthCheck", CallerReference=reference, HealthCheckConfig=config or TCP)
        assert created["Location"].endswith(created["HealthCheck"]["Id"])
        check: dict[str, Any] = created["HealthCheck"]
        return check

    return call


def test_checks_have_documented_defaults(make: Callable[..., dict[str, Any]]) -> None:
    """Defaults are 30 s, three failures, port 80 or 443, SNI for HTTPS (route53/HealthCheckConfig)."""
    http = make("1", Type="HTTP", IPAddress="192.0.2.1")["HealthCheckConfig"]
    assert (http["RequestInterval"], http["FailureThreshold"], http["Port"]) == (30, 3, 80)
    shown = [http[member] for member in ("Inverted", "Disabled", "MeasureLatency", "EnableSNI")]
    assert shown == [False] * 4
    https = make("2", Type="HTTPS", FullyQualifiedDomainName="example.com", ResourcePath="/x")["HealthCheckConfig"]
    assert (https["Port"], https["EnableSNI"], https["ResourcePath"]) == (443, True, "/x")
    calculated = make("3", Type="CALCULATED", HealthThreshold=1, ChildHealthChecks=[])["HealthCheckConfig"]
    assert calculated == {"Type": "CALCULATED", "HealthThreshold": 1, "Inverted": False, "Disabled": False}


def test_checks_of_private_endpoints_need_a_source(make: Callable[..., dict[str, Any]]) -> None:
    """PRIVATE needs a health check source that exists; PUBLIC is the default (HealthCheckConfig)."""
    private = {**TCP, "IPAddress": "10.0.0.1", "EndpointType": "PRIVATE"}
    with pytest.raises(ServiceError, match="InvalidInput"):
        make(**private)
    with pytest.raises(ServiceError, match="InvalidInput"):
        make(**private, HealthCheckSourceId="source")
    make(**TCP, EndpointType="PUBLIC")


def test_a_repeated_caller_reference(route53: Callable[..., Any], make: Callable[..., dict[str, Any]]) -> None:
    """Equal settings return the same check; other settings, or a deleted check: HealthCheckAlreadyExists."""
    check = make()
    assert make() == check
    assert make("another")["Id"] != check["Id"]
    with pytest.raises(ServiceError, match="HealthCheckAlreadyExists"):
        make("r", **{**TCP, "Port": 81})
    route53("DeleteHealthCheck", HealthCheckId=check["Id"])
    with pytest.raises(ServiceError, match="HealthCheckAlreadyExists"):
        make()


def test_updates_count_versions(route53: Callable[..., Any], make: Callable[..., dict[str, Any]]) -> None:
    """Each update raises the version by 1; an update of an older version is HealthCheckVersionMismatch."""
    check = make(
        "r", Type="HTTP", IPAddress="192.0.2.1", ResourcePath="/a", Regions=["us-east-1", "eu-west-1", "sa-east-1"]
    )
    request = {"HealthCheckId": check["Id"], "HealthCheckVersion": 1}
    changed = route53("UpdateHealthCheck", **request, Port=81, ResetElements=["ResourcePath", "Regions"])["HealthCheck"]
    assert (changed["HealthCheckVersion"], changed["HealthCheckConfig"]["Port"]) == (2, 81)
    assert not {"ResourcePath", "Regions"} & changed["HealthCheckConfig"].keys()
    with pytest.raises(ServiceError, match="HealthCheckVersionMismatch"):
        route53("UpdateHealthCheck", **request, Port=82)
    assert route53("GetHealthCheck", HealthCheckId=check["Id"])["HealthCheck"] == changed


def test_invalid_updates_are_refused(route53: Callable[..., Any], make: Callable[..., dict[str, Any]]) -> None:
    """An address cannot be added, and the settings must not contradict each other."""
    by_name = make("1", Type="HTTP", FullyQualifiedDomainName="example.com")
    with pytest.raises(ServiceError, match="InvalidInput"):
        route53("UpdateHealthCheck", HealthCheckId=by_name["Id"], IPAddress="192.0.2.1")
    with pytest.raises(ServiceError, match="InvalidInput"):
        route53("UpdateHealthCheck", HealthCheckId=by_name["Id"], SearchString="x")


def test_children_must_exist_and_have_none(make: Callable[..., dict[str, Any]]) -> None:
    """An unknown check and a calculated check cannot be children."""
    parent = make("1", Type="CALCULATED", HealthThreshold=1, ChildHealthChecks=[make()["Id"]])
    for child in ("none", parent["Id"]):
        with pytest.raises(ServiceError, match="InvalidInput"):
            make("2", Type="CALCULATED", HealthThreshold=1, ChildHealthChecks=[child])


def test_status_is_the_result_of_each_checker(
    world: World, route53: Callable[..., Any], make: Callable[..., dict[str, Any]]
) -> None:
    """There is no result at first, then one for each checker, and its latest failure even after a success."""
    check = make()["Id"]
    assert route53("GetHealthCheckStatus", HealthCheckId=check) == {"HealthCheckObservations": []}
    good, bad = (
        ProbeReport(True, "HTTP Status Code 200, OK", 60.0),
        ProbeReport(False, "The connection was refused.", 30.0),
    )
    checkers = [Checker("us-east-1", "127.0.0.2", last=good, last_failure=bad), Checker("eu-west-1", "127.0.0.3")]
    world.in_account(Route53State, ACCOUNT).checkers[check] = checkers
    [seen] = route53("GetHealthCheckStatus", HealthCheckId=check)["HealthCheckObservations"]
    assert (seen["Region"], seen["IPAddress"]) == ("us-east-1", "127.0.0.2")
    assert seen["StatusReport"] == {"Status": "Success: HTTP Status Code 200, OK", "CheckedTime": 60.0}
    [failed] = route53("GetHealthCheckLastFailureReason", HealthCheckId=check)["HealthCheckObservations"]
    assert failed["StatusReport"] == {"Status": "Failure: The connection was refused.", "CheckedTime": 30.0}


def test_checks_are_counted_and_listed_page_by_page(
    route53: Callable[..., Any], make: Callable[..., dict[str, Any]]
) -> None:
    """Every check is on exactly one page; a marker is the id of the next check."""
    checks = [make(str(n)) for n in range(3)]
    assert route53("GetHealthCheckCount") == {"HealthCheckCount": 3}
    first = route53("ListHealthChecks", MaxItems="2")
    rest = route53("ListHealthChecks", MaxItems="2", Marker=first["NextMarker"])
    assert "Marker" not in first
    assert rest["Marker"] == first["NextMarker"]
    assert (first["IsTruncated"], rest["IsTruncated"]) == (True, False)
    seen = first["HealthChecks"] + rest["HealthChecks"]
    assert sorted(check["Id"] for check in seen) == sorted(check["Id"] for check in checks)


@pytest.mark.parametrize(
    "operation",
    [
        "GetHealthCheck",
        "GetHealthCheckStatus",
        "GetHealthCheckLastFailureReason",
        "DeleteHealthCheck",
        "UpdateHealthCheck",
    ],
)
def test_unknown_checks_are_refused(route53: Callable[..., Any], operation: str) -> None:
    """An unknown id is NoSuchHealthCheck."""
    with pytest.raises(ServiceError, match="NoSuchHealthCheck"):
        route53(operation, HealthCheckId="none")
