"""AWS RAM as far as namespaces are shared with it: shares, invitations, associations (AWS RAM API Reference).

Accounts here belong to no organization, so an account is invited and must accept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from surveyor_emulator.aws.cloudmap.state import CloudMapState
from surveyor_emulator.aws.iam.authorise import reason_for_denial
from surveyor_emulator.aws.resource_shares import Invitation, Share, ram_state
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.identifiers import is_account
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

__all__ = ["HANDLERS"]

# AWS Cloud Map Developer Guide, Shared namespaces: permissions needed to share a namespace.
_NEEDED_ACTIONS = ("PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy")

ECS_PERMISSION = "arn:aws:ram::aws:permission/AWSRAMPermissionCloudMapECSFullPermission"
"""ECS Developer Guide, Service Connect with shared namespaces: without it ECS may not use a shared namespace."""

INVITATION_EXPIRES = 12 * 3_600.0
"""Service seconds (RAM User Guide, Accepting and rejecting invitations: for resource types that it does not list)."""

Request = Mapping[str, Any]


def create_resource_share(call: Call, request: Request) -> Document:
    """Handle CreateResourceShare, with namespaces of the caller, for accounts, which are invited."""
    identity = f"{call.world.new_id(8)}-{call.world.new_id(4)}-{call.world.new_id(12)}"
    arn = f"arn:aws:ram:{call.region}:{call.account}:resource-share/{identity}"
    share = Share(arn, str(request["name"]), call.account, call.now, updated=call.now)
    share.for_ecs = ECS_PERMISSION in (request.get("permissionArns") or ())
    _add(call, share, request)
    ram_state(call.world).shares[arn] = share
    call.note("share.created", arn, share.name)
    return {"resourceShare": _describe_share(share)}


def get_resource_shares(call: Call, request: Request) -> Document:
    """Handle GetResourceShares: the caller's own shares, or those of others that it has accepted."""
    own = request["resourceOwner"] == "SELF"
    requested = set(request.get("resourceShareArns") or ())
    found = [
        share for share in ram_state(call.world).shares.values()
        if (share.owner == call.account if own else _has_accepted(share, call.account))
        and (not requested or share.arn in requested)
    ]  # fmt: skip
    return {"resourceShares": [_describe_share(share) for share in found]}


def get_resource_share_invitations(call: Call, request: Request) -> Document:
    """Handle GetResourceShareInvitations: the invitations that the caller has received."""
    shares, named = set(request.get("resourceShareArns") or ()), set(request.get("resourceShareInvitationArns") or ())
    found = [
        (share, share.invitations[call.account]) for share in ram_state(call.world).shares.values()
        if call.account in share.invitations and (not shares or share.arn in shares)
    ]  # fmt: skip
    return {
        "resourceShareInvitations": [
            _describe_invitation(share, invitation)
            for share, invitation in found
            if not named or invitation.arn in named
        ]
    }


def accept_resource_share_invitation(call: Call, request: Request) -> Document:
    """Handle AcceptResourceShareInvitation."""
    return _answer_invitation(call, request, "ACCEPTED")


def reject_resource_share_invitation(call: Call, request: Request) -> Document:
    """Handle RejectResourceShareInvitation."""
    return _answer_invitation(call, request, "REJECTED")


def associate_resource_share(call: Call, request: Request) -> Document:
    """Handle AssociateResourceShare: add namespaces or accounts."""
    share = _find_own_share(call, request)
    _add(call, share, request)
    return {"resourceShareAssociations": _associations(share, request, "ASSOCIATED")}


def disassociate_resource_share(call: Call, request: Request) -> Document:
    """Handle DisassociateResourceShare: remove namespaces or accounts."""
    share = _find_own_share(call, request)
    share.resources -= set(request.get("resourceArns") or ())
    for account in request.get("principals") or ():
        share.invitations.pop(str(account), None)
    share.updated = call.now
    call.note("share.withdrawn", share.arn, ", ".join(request.get("resourceArns") or ()))
    return {"resourceShareAssociations": _associations(share, request, "DISASSOCIATED")}


def delete_resource_share(call: Call, request: Request) -> Document:
    """Handle DeleteResourceShare."""
    share = _find_own_share(call, request)
    share.status, share.updated = "DELETED", call.now
    return {"returnValue": True}


def _add(call: Call, share: Share, request: Request) -> None:
    for arn in request.get("resourceArns") or ():
        _require_own_namespace(call, str(arn))
    for account in request.get("principals") or ():
        if not is_account(str(account)):
            raise ServiceError(
                "InvalidParameterException",
                f"expected an account of 12 digits, got {account!r}; organizations are not supported",
            )
        if not request.get("allowExternalPrincipals", True):
            raise ServiceError(
                "OperationNotPermittedException", "the share does not allow accounts outside an organization"
            )
    share.resources |= set(map(str, request.get("resourceArns") or ()))
    for account in map(str, request.get("principals") or ()):
        existing = share.invitations.get(account)
        if existing is None or existing.status == "EXPIRED":
            arn = f"arn:aws:ram:{call.region}:{call.account}:resource-share-invitation/{call.world.new_id(24)}"
            invitation = share.invitations[account] = Invitation(arn, account, call.now)
            call.world.clock.call_later(INVITATION_EXPIRES, _expire, invitation)
    share.updated = call.now


def _expire(invitation: Invitation) -> None:
    if invitation.status == "PENDING":
        invitation.status = "EXPIRED"


def _require_own_namespace(call: Call, arn: str) -> None:
    namespaces = call.world.regional(CloudMapState, call.account, call.region).namespaces.values()
    if all(namespace.arn != arn for namespace in namespaces):
        raise ServiceError("UnknownResourceException", f"account {call.account} has no namespace {arn} in this region")
    for action in _NEEDED_ACTIONS:
        reason = reason_for_denial(call, f"servicediscovery:{action}", arn)
        if reason is not None:
            raise ServiceError("OperationNotPermittedException", reason)


def _find_own_share(call: Call, request: Request) -> Share:
    share = ram_state(call.world).shares.get(str(request["resourceShareArn"]))
    if share is None or share.owner != call.account:
        raise ServiceError("UnknownResourceException", f"no such resource share: {request['resourceShareArn']}")
    return share


def _answer_invitation(call: Call, request: Request, answer: str) -> Document:
    arn = request["resourceShareInvitationArn"]
    for share in ram_state(call.world).shares.values():
        invitation = share.invitations.get(call.account)
        if invitation is not None and invitation.arn == arn:
            if invitation.status != "PENDING":
                already = "" if invitation.status == "EXPIRED" else "Already"
                code = f"ResourceShareInvitation{already}{invitation.status.capitalize()}Exception"
                raise ServiceError(code, f"the invitation is already {invitation.status}")
            invitation.status = answer
            return {"resourceShareInvitation": _describe_invitation(share, invitation)}
    raise ServiceError("ResourceShareInvitationArnNotFoundException", f"no such invitation: {arn}")


def _has_accepted(share: Share, account: str) -> bool:
    invitation = share.invitations.get(account)
    return invitation is not None and invitation.status == "ACCEPTED"


def _describe_share(share: Share) -> Document:
    return {
        "resourceShareArn": share.arn, "name": share.name, "owningAccountId": share.owner, "status": share.status,
        "allowExternalPrincipals": True, "creationTime": share.created, "lastUpdatedTime": share.updated,
        "featureSet": "STANDARD",
    }  # fmt: skip


def _describe_invitation(share: Share, invitation: Invitation) -> Document:
    return {
        "resourceShareInvitationArn": invitation.arn, "resourceShareName": share.name, "resourceShareArn": share.arn,
        "senderAccountId": share.owner, "receiverAccountId": invitation.account,
        "invitationTimestamp": invitation.at, "status": invitation.status,
    }  # fmt: skip


def _associations(share: Share, request: Request, status: str) -> list[Document]:
    pairs = [("RESOURCE", arn) for arn in request.get("resourceArns") or ()]
    pairs += [("PRINCIPAL", account) for account in request.get("principals") or ()]
    return [
        {"resourceShareArn": share.arn, "associatedEntity": entity, "associationType": kind, "status": status}
        for kind, entity in pairs
    ]


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
