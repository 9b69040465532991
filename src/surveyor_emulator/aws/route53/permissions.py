"""The permissions that requests to Route 53 need (Service Authorization Reference, Amazon Route 53).

ARNs of zones, health checks and changes have no account and no Region.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from surveyor_emulator.aws.iam.action_resources import ActionTable, Find, NamedResource, texts
from surveyor_emulator.aws.iam.permission_request import Keys
from surveyor_emulator.core.world import Call

from .names import canonical
from .shapes import plain_id
from .state import Route53State

__all__ = ["permission_requests"]


def _by_id(kind: str, *members: str) -> Find:
    def find(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
        tags = call.world.in_account(Route53State, call.account).tags
        for text in texts(params, members):
            identity = plain_id(text)
            yield NamedResource(f"arn:aws:route53:::{kind}/{identity}", tags=tags.get((kind, identity), {}))

    return find


def _tagged(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    yield from _by_id(str(params["ResourceType"]), "ResourceId", "ResourceIds")(call, params)


def _keys(call: Call, params: Mapping[str, Any]) -> Keys:
    if call.operation == "ChangeResourceRecordSets":
        return _change_keys(params)
    vpc = params.get("VPC") or {}
    if vpc.get("VPCId"):
        return {"route53:VPCs": (f"VPCId={vpc['VPCId']},VPCRegion={vpc.get('VPCRegion', '')}",)}
    return {}


def _change_keys(params: Mapping[str, Any]) -> Keys:
    """Return the keys of changes of records (Route 53 Developer Guide, "Using IAM policy conditions for fine-grained
    access control"): names are in lower case without the last dot, and characters other than a-z, 0-9, - and _ are
    octal escapes.
    """
    changes = (params.get("ChangeBatch") or {}).get("Changes") or ()
    records = [change["ResourceRecordSet"] for change in changes]
    prefix = "route53:ChangeResourceRecordSets"
    values = {
        f"{prefix}NormalizedRecordNames": [_normalized(str(record["Name"])) for record in records],
        f"{prefix}RecordTypes": [str(record["Type"]) for record in records],
        f"{prefix}Actions": [str(change["Action"]) for change in changes],
    }
    return {key: tuple(dict.fromkeys(found)) for key, found in values.items() if found}


def _normalized(name: str) -> str:
    try:
        return canonical(name).removesuffix(".")
    except ValueError:  # refused later, as no name
        return name.lower().removesuffix(".")


permission_requests = ActionTable(
    types=[
        (
            _by_id("hostedzone", "HostedZoneId", "Id"),
            (
                "AssociateVPCWithHostedZone ChangeResourceRecordSets CreateVPCAssociationAuthorization "
                "DeleteHostedZone DeleteVPCAssociationAuthorization DisassociateVPCFromHostedZone GetHostedZone "
                "GetHostedZoneLimit ListResourceRecordSets ListVPCAssociationAuthorizations UpdateHostedZoneComment "
                "UpdateHostedZoneFeatures UpdateHostedZoneTier"
            ),
        ),
        (
            _by_id("healthcheck", "HealthCheckId"),
            "DeleteHealthCheck GetHealthCheck GetHealthCheckLastFailureReason GetHealthCheckStatus UpdateHealthCheck",
        ),
        (
            _by_id("healthchecksource", "HealthCheckSourceId"),
            "DeleteHealthCheckSource GetHealthCheckSource ListHealthChecksBySource",
        ),
        (_by_id("change", "Id"), "GetChange"),
        (_tagged, "ChangeTagsForResource ListTagsForResource ListTagsForResources"),
    ],
    without="CreateHealthCheck CreateHealthCheckSource CreateHostedZone GetAccountLimit GetHealthCheckCount "
    "GetHostedZoneCount ListHealthCheckSources ListHealthChecks ListHostedZones ListHostedZonesByName "
    "ListHostedZonesByVPC TestDNSAnswer",
    keys=_keys,
).permission_requests
