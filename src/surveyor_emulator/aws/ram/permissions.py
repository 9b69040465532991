"""The permissions that requests to AWS RAM need (Service Authorization Reference, AWS RAM)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor_emulator.aws.iam.action_resources import ActionTable, arns
from surveyor_emulator.aws.iam.permission_request import Keys
from surveyor_emulator.aws.resource_shares import ram_state
from surveyor_emulator.core.world import Call

__all__ = ["permission_requests"]


def _keys(call: Call, params: Mapping[str, Any]) -> Keys:
    keys: Keys = {}
    for key, member in (("ram:ResourceArn", "resourceArns"), ("ram:Principal", "principals")):
        if params.get(member):
            keys[key] = tuple(map(str, params[member]))
    if "allowExternalPrincipals" in params:
        keys["ram:RequestedAllowsExternalPrincipals"] = (str(params["allowExternalPrincipals"]).lower(),)
    shares, invited = ram_state(call.world).shares, str(params.get("resourceShareInvitationArn"))
    answered = (share for share in shares.values() if invited in {each.arn for each in share.invitations.values()})
    share = shares.get(str(params.get("resourceShareArn"))) or next(answered, None)
    if share is not None:
        keys |= {"ram:ResourceShareName": (share.name,), "ram:AllowsExternalPrincipals": ("true",)}
    return keys


permission_requests = ActionTable(
    types=[
        (arns("resourceShareArn"), "AssociateResourceShare DeleteResourceShare DisassociateResourceShare"),
        (arns("resourceShareInvitationArn"), "AcceptResourceShareInvitation RejectResourceShareInvitation"),
    ],
    without="CreateResourceShare GetResourceShareInvitations GetResourceShares",
    keys=_keys,
).permission_requests
