"""Service Quotas as far as runs ask it: the quotas of an account that limit what a run may create."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from surveyor_emulator.aws.iam.action_resources import ActionTable
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.settings import Quotas
from surveyor_emulator.core.world import Call

__all__ = ["HANDLERS", "permission_requests"]

# Amazon VPC User Guide, "Amazon VPC quotas": names and codes, by service code and quota code.
_QUOTAS: Mapping[tuple[str, str], tuple[str, Callable[[Quotas], int]]] = {
    ("vpc", "L-F678F1CE"): ("VPCs per Region", lambda quotas: quotas.vpcs),
}

permission_requests = ActionTable(types=[], without="GetServiceQuota").permission_requests


def get_service_quota(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle GetServiceQuota: the value that applies to the account."""
    service, code = str(request["ServiceCode"]), str(request["QuotaCode"])
    found = _QUOTAS.get((service, code))
    if found is None:
        raise ServiceError("NoSuchResourceException", f"The embedded target has no quota {code} of {service}")
    name, value_of = found
    arn = f"arn:aws:servicequotas:{call.region}:{call.account}:{service}/{code}"
    value = float(value_of(call.world.settings.quotas))
    return {
        "Quota": {
            "ServiceCode": service, "QuotaArn": arn, "QuotaCode": code, "QuotaName": name, "Value": value,
            "Unit": "None", "Adjustable": True, "GlobalQuota": False,
        }
    }  # fmt: skip


HANDLERS: Mapping[str, Callable[[Call, Mapping[str, object]], dict[str, object]]] = {
    "GetServiceQuota": get_service_quota,
}
