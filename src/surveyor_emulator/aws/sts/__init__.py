"""AWS STS: the identity of the caller, and temporary credentials."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from surveyor_emulator.core.caller import Caller
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from . import sessions
from .parameters import check_role_arn, check_session_name, check_tags

if TYPE_CHECKING:
    from surveyor_policies.model import AccessRequest

__all__ = ["HANDLERS"]

log = logging.getLogger(__name__)

# sts/GetSessionToken: sessions of account owners last an hour at most, and an hour if more is requested.
OWNER_SECONDS = 3_600
DEFAULT_SECONDS = 43_200
# sts/AssumeRoleRequest.DurationSeconds: an hour by default; at most an hour with role chaining.
ROLE_SECONDS = 3_600
# sts/AssumeRoleRequest.Policy, .PolicyArns
SESSION_POLICY = 2_048
MANAGED_POLICIES = 10


def get_caller_identity(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Answer GetCallerIdentity. The user id of an owner is the account id (IAM User Guide, Principal key values)."""
    user_id = call.caller.user_id if call.caller is not None else call.account
    return {"Account": call.account, "Arn": call.principal, "UserId": user_id}


def get_session_token(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Answer GetSessionToken: for owners and users, not for their sessions or those of roles (sts/GetSessionToken)."""
    if request.get("SerialNumber") or request.get("TokenCode"):
        raise ServiceError("AccessDenied", "the embedded target has no MFA devices", status=403)
    caller = call.caller
    if caller is not None and caller.issued is not None:
        raise ServiceError("AccessDenied", "cannot call GetSessionToken with session credentials", status=403)
    seconds = cast("int", request.get("DurationSeconds") or DEFAULT_SECONDS)
    if caller is None:
        seconds = min(seconds, OWNER_SECONDS)
    grant = (
        sessions.OWNER if caller is None else sessions.Grant(caller.holder, user_id=caller.user_id, tags=caller.tags)
    )
    return {"Credentials": _credentials(sessions.issue(call.world, call.account, call.principal, seconds, grant))}


def assume_role(call: Call, request: Mapping[str, Any]) -> dict[str, object]:
    """Answer AssumeRole: the trust policy of the role must allow the caller; session policies limit the role."""
    from surveyor_emulator.aws.iam import moto_store
    from surveyor_emulator.aws.iam.authorise import request_keys
    from surveyor_policies.model import AccessRequest

    caller, arn = call.caller, str(request["RoleArn"])
    check_role_arn(arn)
    check_session_name(str(request["RoleSessionName"]))
    check_tags(request, caller)
    if caller is None:
        raise ServiceError("AccessDenied", "Roles may not be assumed by root accounts.", status=403)
    role = moto_store.role(arn)
    session = str(request["RoleSessionName"])
    keys = {**request_keys(call, caller, request), "sts:RoleSessionName": (session,)}
    if request.get("ExternalId"):
        keys["sts:ExternalId"] = (str(request["ExternalId"]),)
    if request.get("TransitiveTagKeys"):
        keys["sts:TransitiveTagKeys"] = tuple(map(str, request["TransitiveTagKeys"]))
    # IAM User Guide, id_session-tags: to pass tags, the caller and the trust policy must allow sts:TagSession as well.
    for action in ("sts:AssumeRole", "sts:TagSession") if request.get("Tags") else ("sts:AssumeRole",):
        if role is not None and _may_assume(AccessRequest(action, arn, caller.principal, keys), caller, role):
            continue
        raise ServiceError(
            "AccessDenied",
            f"User: {caller.principal.arn} is not authorized to perform: {action} on resource: {arn}",
            status=403,
        )
    assert role is not None
    session_policies, managed = _session_policies(role.account_id, request)
    tags, transitive = _session_tags(caller, moto_store.tags_of(role), request)
    max_seconds = (
        ROLE_SECONDS if caller.principal.kind == "assumed-role" else int(role.max_session_duration or ROLE_SECONDS)
    )
    seconds = int(request.get("DurationSeconds") or ROLE_SECONDS)
    if seconds > max_seconds:
        raise ServiceError(
            "ValidationError",
            f"the requested DurationSeconds exceeds the {max_seconds} seconds of this role's sessions",
        )
    principal = f"arn:aws:sts::{role.account_id}:assumed-role/{role.name}/{session}"
    user_id = f"{role.id}:{session}"
    grant = sessions.Grant(("role", role.name), arn, user_id, session_policies, managed, tags, transitive)
    session_credentials = sessions.issue(call.world, role.account_id, principal, seconds, grant)
    packed = [
        *(session_policies or ()),
        *managed,
        *(f"{tag['Key']}{tag['Value']}" for tag in request.get("Tags") or ()),
    ]
    return {
        "Credentials": _credentials(session_credentials),
        "AssumedRoleUser": {"AssumedRoleId": user_id, "Arn": principal},
        **({"PackedPolicySize": sum(map(len, packed)) * 100 // SESSION_POLICY} if packed else {}),
    }


def _may_assume(request: AccessRequest, caller: Caller, role: Any) -> bool:
    """Return whether the policies of a caller and the trust policy of a role allow a request for a session."""
    from surveyor_emulator.aws.iam import moto_store
    from surveyor_policies.engine import decide
    from surveyor_policies.model import MalformedPolicy

    try:
        policies = replace(moto_store.policies_of_caller(caller), resource=(moto_store.trust_policy(role),))
    except (LookupError, MalformedPolicy):  # a policy that cannot be found or parsed must not allow anything
        log.exception("the policies for %s on %s cannot be read: denied", request.action, request.resource)
        return False
    return decide(replace(request, principal=moto_store.principal_in_trust_policy(role, caller)), policies).allowed


def _session_tags(
    caller: Caller, of_role: Iterable[tuple[str, str]], request: Mapping[str, Any]
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return the tags of a session, and the keys of those that pass on to the sessions that it starts.

    A session tag overrides the role's tag of the same key, and so does one that passes on from the caller's session
    (id_session-tags).
    """
    given = {str(tag["Key"]): str(tag["Value"]) for tag in request.get("Tags") or ()}
    inherited = [(key, value) for key, value in caller.tags if key in caller.transitive]
    overridden = {key.lower() for key in (*given, *dict(inherited))}
    kept = [(key, value) for key, value in of_role if key.lower() not in overridden]
    named = {str(key).lower() for key in request.get("TransitiveTagKeys") or ()}
    transitive = (*caller.transitive, *(key for key in given if key.lower() in named))
    return (*kept, *inherited, *given.items()), transitive


def _session_policies(account: str, request: Mapping[str, Any]) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """Return the texts and ARNs of the policies that limit a session. Raises ServiceError for invalid ones."""
    from surveyor_emulator.aws.iam import moto_store
    from surveyor_policies.model import MalformedPolicy
    from surveyor_policies.parsing import parse_policy

    text = request.get("Policy")
    arns = tuple(str(policy.get("arn", "")) for policy in request.get("PolicyArns") or ())
    try:
        if text is not None:
            if len(str(text)) > SESSION_POLICY:
                raise ServiceError("PackedPolicyTooLarge", f"a session policy has at most {SESSION_POLICY} characters")
            parse_policy(str(text), kind="session")
        for arn in arns:
            moto_store.managed_policy(account, arn)
    except MalformedPolicy as error:
        raise ServiceError("MalformedPolicyDocument", str(error)) from None
    except KeyError:
        raise ServiceError("MalformedPolicyDocument", "there is no such managed policy") from None
    if len(arns) > MANAGED_POLICIES:
        raise ServiceError("ValidationError", f"a session has at most {MANAGED_POLICIES} managed policies")
    return ((str(text),) if text is not None else None), arns


def _credentials(session: sessions.Session) -> dict[str, object]:
    return {
        "AccessKeyId": session.access_key,
        "SecretAccessKey": session.secret,
        "SessionToken": session.token,
        "Expiration": session.expires,
    }


HANDLERS: Mapping[str, Callable[[Call, Mapping[str, object]], dict[str, object]]] = {
    "AssumeRole": assume_role,
    "GetCallerIdentity": get_caller_identity,
    "GetSessionToken": get_session_token,
}
