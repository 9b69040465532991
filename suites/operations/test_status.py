"""How an operation goes, from its submission to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from surveyor.testing import Always, Eventually, Inconclusive, UniqueName, WaitForOperation, proves, raises, timeouts

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


ORDER = ["SUBMITTED", "PENDING", "SUCCESS"]
ERROR_CODES = {
    "ACCESS_DENIED",
    "CANNOT_CREATE_HOSTED_ZONE",
    "EXPIRED_TOKEN",
    "HOSTED_ZONE_NOT_FOUND",
    "INTERNAL_FAILURE",
    "INVALID_CHANGE_BATCH",
    "THROTTLED_REQUEST",
}


@proves("operations.status-moves-forward")
@pytest.mark.parametrize("kind", ["http", "private_dns"])
def test_status_goes_forward_and_stays_at_its_end(
    cloudmap: ServiceDiscoveryClient,
    eventually: Eventually,
    always: Always,
    unique_name: UniqueName,
    vpc: str,
    kind: str,
) -> None:
    """SUBMITTED, PENDING, SUCCESS: steps may be missed, none is taken back, and UpdateDate does not fall."""
    params = {"Name": f"{unique_name('ns')}.surveyor.test"} | ({"Vpc": vpc} if kind == "private_dns" else {})
    made = getattr(cloudmap, f"create_{kind}_namespace")(**params)["OperationId"]
    seen: list[dict[str, Any]] = []

    def ended() -> bool:
        seen.append(dict(cloudmap.get_operation(OperationId=made)["Operation"]))
        return seen[-1]["Status"] in ("SUCCESS", "FAIL")

    eventually(ended, within=timeouts.OPERATION)
    steps = [ORDER.index(operation["Status"]) for operation in seen]
    assert steps == sorted(steps)
    dates = [operation["UpdateDate"] for operation in seen]
    assert dates == sorted(dates)
    assert {operation["CreateDate"] for operation in seen} == {seen[0]["CreateDate"]}
    assert dates[0] >= seen[0]["CreateDate"]
    always(lambda: cloudmap.get_operation(OperationId=made)["Operation"] == seen[-1], during=5)


@proves("operations.failure-carries-documented-code")
def test_failed_operation_says_why(
    cloudmap: ServiceDiscoveryClient,
    route53: Route53Client,
    wait_for_operation: WaitForOperation,
    unique_name: UniqueName,
    vpc: str,
) -> None:
    """A private namespace whose name is taken by another zone of the VPC fails with one of the seven error codes."""
    name = f"{unique_name('ns')}.surveyor.test"
    place: Any = {"VPCRegion": cloudmap.meta.region_name, "VPCId": vpc}
    zone = route53.create_hosted_zone(Name=name, CallerReference=unique_name("reference"), VPC=place)["HostedZone"][
        "Id"
    ]
    try:
        operation = wait_for_operation(cloudmap.create_private_dns_namespace(Name=name, Vpc=vpc))
    except (cloudmap.exceptions.NamespaceAlreadyExists, cloudmap.exceptions.InvalidInput):
        raise Inconclusive("the call was refused at once, so no operation could fail") from None
    finally:
        route53.delete_hosted_zone(Id=zone)
    assert operation["Status"] == "FAIL"
    assert operation["ErrorCode"] in ERROR_CODES
    assert operation["ErrorMessage"]


@proves("operations.unknown-id-is-refused")
def test_unknown_operation_is_not_found(cloudmap: ServiceDiscoveryClient) -> None:
    """GetOperation with a well-formed id that no operation has raises OperationNotFound."""
    with raises("OperationNotFound"):
        cloudmap.get_operation(OperationId="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-aaaaaaaa")
