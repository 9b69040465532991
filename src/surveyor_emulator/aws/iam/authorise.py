"""Authorisation: ask the policy engine whether a caller may do what a request needs; raise the service's error if not.

The owner of an account may do everything and is never checked. Whatever breaks on the way is a denial.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from surveyor_emulator.core.caller import Caller
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call, World
from surveyor_policies.engine import decide
from surveyor_policies.model import UNKNOWN_RESOURCE, AccessRequest, Decision, PolicySet

from . import moto_store
from .permission_request import PermissionRequest, tags_of_request

__all__ = ["authorise", "reason_for_denial", "request_keys"]

_WITHOUT_PERMISSION = {"sts:GetCallerIdentity", "sts:GetSessionToken"}
"""Actions that need no permission (sts/GetCallerIdentity, sts/GetSessionToken)."""

_DENIED = {
    "servicediscovery": "AccessDeniedException",
    "ecs": "AccessDeniedException",
    "events": "AccessDeniedException",
    "ec2": "UnauthorizedOperation",
}
_NAMES_ALWAYS = ("servicediscovery:", "ecs:")

log = logging.getLogger(__name__)


class _AllowedCache:
    """What was allowed in the current second of service time, until anything else changes that a decision depends on.

    These are IAM, the settings, and the engine itself, which a mutation replaces. Services repeat the same request a
    thousand times a second, and conditions on time have a resolution of a second.
    """

    def __init__(self) -> None:
        self._known: set[tuple[object, ...]] = set()
        self._since: tuple[object, ...] = ()

    def contains(self, key: tuple[object, ...], call: Call) -> bool:
        """Return whether exactly this was allowed under the same circumstances."""
        since = (int(call.now), moto_store.changes(), decide, call.world.settings, call.world)
        if since != self._since:
            self._known.clear()
            self._since = since
        return key in self._known

    def add(self, key: tuple[object, ...]) -> None:
        """Remember that this was allowed."""
        self._known.add(key)

    def cache_clear(self) -> None:
        """Forget everything, as the caches of functools do."""
        self._known.clear()


_allowed = _AllowedCache()

_SHARING = frozenset({"ram", "servicediscovery"})
"""Services that look themselves, after the policies of the caller, whether another account has shared a resource."""


def authorise(call: Call, params: Mapping[str, Any], requests: Iterable[PermissionRequest]) -> None:
    """Raise the service's error for missing permission, unless the caller may do all that is requested."""
    caller, own_action = call.caller, f"{call.service}:{call.operation}"
    # The trust policy of a role takes part in the decision on AssumeRole, so STS decides that itself.
    if caller is None or own_action == "sts:AssumeRole":
        return
    if own_action in _WITHOUT_PERMISSION:
        _require_existing(caller)
        return
    tags = tags_of_request(params)
    for request in requests:
        action = request.action or own_action
        key = (caller.principal.arn, caller.user_id, caller.session, caller.managed, caller.tags, caller.issued, action,
               call.region, request.resource, request.also, tuple(request.keys.items()))  # fmt: skip
        if not tags and _allowed.contains(key, call):
            continue
        keys = {**request_keys(call, caller, {}), **tags, **request.keys}
        decision = _decide_on_any(call, (request.resource, *request.also), caller, action, keys)
        if not decision.allowed:
            raise _denial(call, caller, action, request.resource, decision)
        if not tags:
            _allowed.add(key)


def _require_existing(caller: Caller) -> None:
    """Raise the common error for a key that belongs to no user or role, for what needs no permission."""
    try:
        moto_store.policies_of_caller(caller)
    except moto_store.HolderGone:
        text = "The security token included in the request is invalid"
        raise ServiceError("InvalidClientTokenId", text, status=403) from None
    except (LookupError, ValueError):  # a malformed policy takes away permissions, which this needs none of
        log.exception("the policies of %s cannot be read", caller.principal.arn)


def reason_for_denial(call: Call, action: str, resource: str) -> str | None:
    """Return why a service may not do this on behalf of the caller; None if it may."""
    caller = call.caller
    if caller is None:
        return None
    keys = {**request_keys(call, caller, {}), "aws:ViaAWSService": ("true",)}
    decision = _decide(call, caller, action, resource, keys)
    return None if decision.allowed else _message(caller, action, resource, decision)


def _decide_on_any(
    call: Call, resources: Iterable[str], caller: Caller, action: str, keys: Mapping[str, tuple[str, ...]]
) -> Decision:
    """Decide on a resource with several ARNs: an error or a deny of one counts, then an allow, then the first."""
    decisions = [_decide(call, caller, action, resource, keys) for resource in resources]
    for reason in ("error", "explicit-deny", "allow"):
        for decision in decisions:
            if decision.reason == reason:
                return decision
    return decisions[0]


def _decide(call: Call, caller: Caller, action: str, resource: str, keys: Mapping[str, tuple[str, ...]]) -> Decision:
    try:
        policies = _policies_in_effect(call.world, caller)
    except moto_store.HolderGone as error:
        return Decision(False, "error", None, f"because {error}")
    except Exception:  # a policy that cannot be found or parsed must not allow anything
        log.exception("the policies of %s cannot be read: denied", caller.principal.arn)
        return Decision(False, "error", None, "because its policies could not be read")
    owner = caller.principal.account if call.service in _SHARING else ""
    return decide(AccessRequest(action, resource, caller.principal, keys, owner=owner), policies)


@dataclass(slots=True)
class _PoliciesInEffect:
    """By principal: the policies that are in effect, later ones, and when these take effect (service seconds)."""

    known: dict[str, tuple[PolicySet, PolicySet, float]] = field(default_factory=dict)


def _policies_in_effect(world: World, caller: Caller) -> PolicySet:
    """Return the policies of a caller, as they were before a change that has not taken effect yet."""
    latest, lag = moto_store.policies_of_caller(caller), world.settings.iam_lag
    if not lag.maximum:
        return latest
    known = world.in_account(_PoliciesInEffect, caller.principal.account).known
    now, name = world.clock.now(), caller.principal.arn
    effective, later, at = known.get(name, (latest, latest, now))
    if latest != later:
        later, at = latest, now + world.random.uniform(lag.minimum, lag.maximum)
    if now >= at:
        effective = later
    known[name] = (effective, later, at)
    return effective


def request_keys(call: Call, caller: Caller, params: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the global condition keys of a request (IAM User Guide, AWS global condition context keys)."""
    keys = {**_caller_keys(caller), **_time_keys(int(call.now)), "aws:RequestedRegion": (call.region,)}
    return keys | tags_of_request(params)


@functools.lru_cache(maxsize=4_096)
def _caller_keys(caller: Caller) -> Mapping[str, tuple[str, ...]]:
    """Return the condition keys that every request of a caller has."""
    principal = caller.principal
    keys: dict[str, tuple[str, ...]] = {
        "aws:PrincipalArn": (principal.issuer or principal.arn,),
        "aws:PrincipalAccount": (principal.account,),
        "aws:PrincipalType": ("User" if principal.kind == "user" else "AssumedRole",),
        "aws:userid": (caller.user_id,),
        "aws:SourceIp": ("127.0.0.1",),
        "aws:SecureTransport": ("false",),
        "aws:PrincipalIsAWSService": ("false",),
        "aws:ViaAWSService": ("false",),
    }
    if caller.issued is not None:
        keys |= {"aws:TokenIssueTime": (_text_of(caller.issued),), "aws:MultiFactorAuthPresent": ("false",)}
    if principal.kind == "user":
        keys["aws:username"] = (caller.holder[1],)
    return keys | {f"aws:PrincipalTag/{name}": (value,) for name, value in caller.tags}


@functools.lru_cache(maxsize=8)
def _time_keys(second: int) -> Mapping[str, tuple[str, ...]]:
    """Return the condition keys for the time, in service time."""
    return {"aws:CurrentTime": (_text_of(second),), "aws:EpochTime": (str(second),)}


def _text_of(second: float) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _denial(call: Call, caller: Caller, action: str, resource: str, decision: Decision) -> ServiceError:
    code = _DENIED.get(call.service, "AccessDenied")
    call.note("access.denied", caller.principal.arn, f"{action} on {resource}: {decision.reason}")
    return ServiceError(
        code, _message(caller, action, resource, decision), status=400 if code == "AccessDeniedException" else 403
    )


def _message(caller: Caller, action: str, resource: str, decision: Decision) -> str:
    # Cloud Map and ECS were seen to name a resource for actions that have none, too; Route 53 and EC2 were not.
    resource = "*" if resource == UNKNOWN_RESOURCE else resource
    where = "" if resource == "*" and not action.startswith(_NAMES_ALWAYS) else f" on resource: {resource}"
    why = decision.why.removeprefix("because ")
    return f"User: {caller.principal.arn} is not authorized to perform: {action}{where} because {why}"
