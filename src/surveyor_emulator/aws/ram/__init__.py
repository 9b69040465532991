"""AWS RAM, as far as namespaces are shared with it: shares, invitations, associations (AWS RAM API Reference).

Accounts have no organization here, so an account is invited and has to accept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from surveyor_emulator.aws.cloudmap.state import CloudMapState
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.identifiers import is_account
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .state import Invitation, Share, state

__all__ = ["HANDLERS"]

# AWS Cloud Map Developer Guide, Shared namespaces: granting permissions to share a namespace.
_NEEDED = ("PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy")

FOR_ECS = "arn:aws:ram::aws:permission/AWSRAMPermissionCloudMapECSFullPermission"
"""ECS Developer Guide, Service Connect with shared namespaces: without it ECS may not use what is shared."""

Request = Mapping[str, Any]


def create_resource_share(call: Call, request: Request) -> Document:
    """CreateResourceShare: with namespaces of the caller's own, for accounts, which are invited."""
    identity = f"{call.world.new_id(8)}-{call.world.new_id(4)}-{call.world.new_id(12)}"
    arn = f"arn:aws:ram:{call.region}:{call.account}:resource-share/{identity}"
    made = Share(arn, str(request["name"]), call.account, call.now, updated=call.now)
    made.for_ecs = FOR_ECS in (request.get("permissionArns") or ())
    _add(call, made, request)
    state(call.world).shares[arn] = made
    call.note("share.created", arn, made.name)
    return {"resourceShare": _described(made)}


def get_resource_shares(call: Call, request: Request) -> Document:
    """GetResourceShares: the caller's own, or those of others that it has accepted."""
    own = request["resourceOwner"] == "SELF"
    wanted = set(request.get("resourceShareArns") or ())
    found = [
        one for one in state(call.world).shares.values()
        if (one.owner == call.account if own else _accepted(one, call.account)) and (not wanted or one.arn in wanted)
    ]  # fmt: skip
    return {"resourceShares": [_described(one) for one in found]}


def get_resource_share_invitations(call: Call, request: Request) -> Document:
    """GetResourceShareInvitations: those that the caller has received."""
    shares, named = set(request.get("resourceShareArns") or ()), set(request.get("resourceShareInvitationArns") or ())
    found = [
        (share, share.invitations[call.account]) for share in state(call.world).shares.values()
        if call.account in share.invitations and (not shares or share.arn in shares)
    ]  # fmt: skip
    return {"resourceShareInvitations": [_invited(*one) for one in found if not named or one[1].arn in named]}


def accept_resource_share_invitation(call: Call, request: Request) -> Document:
    """AcceptResourceShareInvitation."""
    return _answered(call, request, "ACCEPTED")


def reject_resource_share_invitation(call: Call, request: Request) -> Document:
    """RejectResourceShareInvitation."""
    return _answered(call, request, "REJECTED")


def associate_resource_share(call: Call, request: Request) -> Document:
    """AssociateResourceShare: more namespaces, or more accounts."""
    share = _own(call, request)
    _add(call, share, request)
    return {"resourceShareAssociations": _associations(share, request, "ASSOCIATED")}


def disassociate_resource_share(call: Call, request: Request) -> Document:
    """DisassociateResourceShare: these namespaces, or accounts, are in it no more."""
    share = _own(call, request)
    share.resources -= set(request.get("resourceArns") or ())
    for account in request.get("principals") or ():
        share.invitations.pop(str(account), None)
    share.updated = call.now
    call.note("share.withdrawn", share.arn, ", ".join(request.get("resourceArns") or ()))
    return {"resourceShareAssociations": _associations(share, request, "DISASSOCIATED")}


def delete_resource_share(call: Call, request: Request) -> Document:
    """DeleteResourceShare."""
    share = _own(call, request)
    share.status, share.updated = "DELETED", call.now
    return {"returnValue": True}


def _add(call: Call, share: Share, request: Request) -> None:
    for arn in request.get("resourceArns") or ():
        _require_own_namespace(call, str(arn))
    for account in request.get("principals") or ():
        if not is_account(str(account)):
            raise ServiceError(
                "InvalidParameterException", f"{account!r} is no account: there are no organizations here"
            )
        if not request.get("allowExternalPrincipals", True):
            raise ServiceError(
                "OperationNotPermittedException", "accounts outside an organization are not allowed in it"
            )
    share.resources |= set(map(str, request.get("resourceArns") or ()))
    for account in request.get("principals") or ():
        arn = f"arn:aws:ram:{call.region}:{call.account}:resource-share-invitation/{call.world.new_id(24)}"
        share.invitations.setdefault(str(account), Invitation(arn, str(account), call.now))
    share.updated = call.now


def _require_own_namespace(call: Call, arn: str) -> None:
    parts = arn.split(":")
    if len(parts) != 6 or parts[2] != "servicediscovery" or not parts[5].startswith("namespace/"):
        raise ServiceError("MalformedArnException", f"{arn} is not the ARN of a namespace")
    if parts[4] != call.account:
        raise ServiceError("OperationNotPermittedException", f"{arn} belongs to another account")
    if parts[5].removeprefix("namespace/") not in call.world.regional(CloudMapState, call.account, parts[3]).namespaces:
        raise ServiceError("UnknownResourceException", f"there is no resource {arn}")
    if call.caller is not None:
        from surveyor_emulator.aws.iam.authorise import forwarded

        for action in _NEEDED:
            why = forwarded(call, call.caller, f"servicediscovery:{action}", arn)
            if why is not None:
                raise ServiceError("OperationNotPermittedException", why)


def _own(call: Call, request: Request) -> Share:
    share = state(call.world).shares.get(str(request["resourceShareArn"]))
    if share is None or share.owner != call.account:
        raise ServiceError("UnknownResourceException", f"there is no resource share {request['resourceShareArn']}")
    return share


def _answered(call: Call, request: Request, answer: str) -> Document:
    wanted = request["resourceShareInvitationArn"]
    for share in state(call.world).shares.values():
        invitation = share.invitations.get(call.account)
        if invitation is not None and invitation.arn == wanted:
            if invitation.status != "PENDING":
                code = f"ResourceShareInvitationAlready{invitation.status.capitalize()}Exception"
                raise ServiceError(code, f"the invitation is {invitation.status} already")
            invitation.status = answer
            return {"resourceShareInvitation": _invited(share, invitation)}
    raise ServiceError("ResourceShareInvitationArnNotFoundException", f"there is no invitation {wanted}")


def _accepted(share: Share, account: str) -> bool:
    invitation = share.invitations.get(account)
    return invitation is not None and invitation.status == "ACCEPTED"


def _described(share: Share) -> Document:
    return {
        "resourceShareArn": share.arn, "name": share.name, "owningAccountId": share.owner, "status": share.status,
        "allowExternalPrincipals": True, "creationTime": share.created, "lastUpdatedTime": share.updated,
        "featureSet": "STANDARD",
    }  # fmt: skip


def _invited(share: Share, invitation: Invitation) -> Document:
    return {
        "resourceShareInvitationArn": invitation.arn, "resourceShareName": share.name, "resourceShareArn": share.arn,
        "senderAccountId": share.owner, "receiverAccountId": invitation.account,
        "invitationTimestamp": invitation.at, "status": invitation.status,
    }  # fmt: skip


def _associations(share: Share, request: Request, status: str) -> list[Document]:
    pairs = [("RESOURCE", arn) for arn in request.get("resourceArns") or ()]
    pairs += [("PRINCIPAL", account) for account in request.get("principals") or ()]
    return [
        {"resourceShareArn": share.arn, "resourceShareName": share.name, "associatedEntity": entity,
         "associationType": kind, "status": status, "external": True}
        for kind, entity in pairs
    ]  # fmt: skip


HANDLERS: Mapping[str, Callable[[Call, Request], Document]] = {
    "AcceptResourceShareInvitation": accept_resource_share_invitation,
    "AssociateResourceShare": associate_resource_share,
    "CreateResourceShare": create_resource_share,
    "DeleteResourceShare": delete_resource_share,
    "DisassociateResourceShare": disassociate_resource_share,
    "GetResourceShareInvitations": get_resource_share_invitations,
    "GetResourceShares": get_resource_shares,
    "RejectResourceShareInvitation": reject_resource_share_invitation,
}
