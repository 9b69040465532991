"""Status of operations, from submission to success or failure."""

from __future__ import annotations

from typing import Any

import pytest

from surveyor.testing import Inconclusive, proves, raises, timeouts

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
def test_status_moves_forward_and_stays_at_its_end(cloudmap, eventually, always, unique_name, vpc, kind):
    """SUBMITTED, PENDING, SUCCESS: steps may be missed, the status never moves back, UpdateDate never decreases."""
    params = {"Name": f"{unique_name('ns')}.surveyor.test"} | ({"Vpc": vpc} if kind == "private_dns" else {})
    identifier = getattr(cloudmap, f"create_{kind}_namespace")(**params)["OperationId"]
    seen: list[dict[str, Any]] = []

    def ended():
        seen.append(dict(cloudmap.get_operation(OperationId=identifier)["Operation"]))
        return seen[-1]["Status"] in ("SUCCESS", "FAIL")

    eventually(ended, within=timeouts.OPERATION)
    steps = [ORDER.index(operation["Status"]) for operation in seen]
    assert steps == sorted(steps)
    dates = [operation["UpdateDate"] for operation in seen]
    assert dates == sorted(dates)
    assert {operation["CreateDate"] for operation in seen} == {seen[0]["CreateDate"]}
    assert dates[0] >= seen[0]["CreateDate"]
    always(lambda: cloudmap.get_operation(OperationId=identifier)["Operation"] == seen[-1], during=5)


@proves("operations.failure-carries-documented-code")
def test_failed_operation_has_a_documented_code(cloudmap, route53, wait_for_operation, unique_name, vpc):
    """A private namespace with the name of another zone in the VPC fails with one of the seven error codes."""
    name = f"{unique_name('ns')}.surveyor.test"
    association = {"VPCRegion": cloudmap.meta.region_name, "VPCId": vpc}
    created = route53.create_hosted_zone(Name=name, CallerReference=unique_name("reference"), VPC=association)
    try:
        operation = wait_for_operation(cloudmap.create_private_dns_namespace(Name=name, Vpc=vpc))
    except (cloudmap.exceptions.NamespaceAlreadyExists, cloudmap.exceptions.InvalidInput):
        raise Inconclusive("the call was refused at once, so there is no operation that could fail") from None
    finally:
        route53.delete_hosted_zone(Id=created["HostedZone"]["Id"])
    assert operation["Status"] == "FAIL"
    assert operation["ErrorCode"] in ERROR_CODES
    assert operation["ErrorMessage"]


@proves("operations.unknown-id-is-refused")
def test_unknown_operation_is_not_found(cloudmap):
    """GetOperation with the well-formed id of no operation raises OperationNotFound."""
    with raises("OperationNotFound"):
        cloudmap.get_operation(OperationId="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-aaaaaaaa")
