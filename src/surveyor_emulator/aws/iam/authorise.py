"""Whether a caller may do what a request asks for: requests become questions to the engine, denials become errors.

The owner of an account may do everything and is never asked about. Whatever goes wrong on the way is a denial.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from surveyor_emulator.aws.cloudmap import permissions as cloudmap
from surveyor_emulator.aws.ecs import permissions as ecs
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_policies.engine import decide
from surveyor_policies.model import AccessRequest, Decision

from . import moto_store
from .caller import Caller
from .flaws import decide_wrongly
from .permission_request import PermissionRequest

__all__ = ["authorise", "forwarded"]

_ANYBODY = {"sts:GetCallerIdentity", "sts:GetAccessKeyInfo", "sts:GetSessionToken"}
"""Nobody needs to be allowed these (sts/GetCallerIdentity, sts/GetSessionToken)."""

_DENIED = {
    "servicediscovery": ("AccessDeniedException", 400),
    "ecs": ("AccessDeniedException", 400),
    "events": ("AccessDeniedException", 400),
    "ec2": ("UnauthorizedOperation", 403),
}
_TAGS = {"Tags", "TagKeys", "tags", "tagKeys"}

log = logging.getLogger(__name__)


class _Allowed:
    """What was allowed in this second of service time, as long as nobody has changed anything in IAM since.

    Services ask for the same a thousand times a second; conditions can tell seconds apart, and no less.
    """

    def __init__(self) -> None:
        self._known: set[tuple[object, ...]] = set()
        self._since = (0, 0)

    def knows(self, key: tuple[object, ...], second: int) -> bool:
        """Whether exactly this was allowed just now."""
        since = (second, moto_store.changes())
        if since != self._since:
            self._known.clear()
            self._since = since
        return key in self._known

    def add(self, key: tuple[object, ...]) -> None:
        """It has been."""
        self._known.add(key)


_allowed = _Allowed()


def authorise(call: Call, caller: Caller, params: Mapping[str, Any]) -> None:
    """Raise the service's error for lack of permission, unless the caller may do all that the request asks for."""
    action = f"{call.service}:{call.operation}"
    if action in _ANYBODY or action == "sts:AssumeRole":  # whether it may be assumed the role's trust policy says too
        return
    tagged = not _TAGS.isdisjoint(params)
    questions = [(action, one) for one in _asked(call, params)]
    if call.service == "ecs":
        questions += [("iam:PassRole", one) for one in ecs.passed(call, params)]
    for action, one in questions:
        key = (caller.principal.arn, caller.session, caller.managed, caller.tags, action, call.region, one.resource,
               tuple(one.keys.items()))  # fmt: skip
        if not tagged and _allowed.knows(key, int(call.now)):
            continue
        decision = _decided(call, caller, action, one.resource, {**_request_keys(call, caller, params), **one.keys})
        if not decision.allowed:
            raise _refusal(call, caller, action, one.resource, decision)
        if not tagged:
            _allowed.add(key)


def forwarded(call: Call, caller: Caller, action: str, resource: str) -> str | None:
    """Why a service may not do this on the caller's behalf; None if it may."""
    decision = _decided(call, caller, action, resource, _request_keys(call, caller, {}))
    return None if decision.allowed else _told(caller, action, resource, decision)


def _decided(call: Call, caller: Caller, action: str, resource: str, keys: Mapping[str, tuple[str, ...]]) -> Decision:
    try:
        policies = caller.policies()
    except Exception:  # a policy that cannot be had or read must not let anybody in
        log.exception("the policies of %s cannot be read: denied", caller.principal.arn)
        return Decision(False, "error", None, "because its policies could not be read")
    request, flaw = AccessRequest(action, resource, caller.principal, keys), call.world.settings.iam_flaw
    return decide(request, policies) if flaw is None else decide_wrongly(flaw, request, policies)


def _asked(call: Call, params: Mapping[str, Any]) -> Iterable[PermissionRequest]:
    if call.service == "servicediscovery":
        return cloudmap.asked(call, params)
    if call.service == "ecs":
        return ecs.asked(call, params)
    if call.service == "route53":
        return (PermissionRequest(_route53(params), {}),)
    return (PermissionRequest("*", {}),)


def _route53(params: Mapping[str, Any]) -> str:
    """Service Authorization Reference, Amazon Route 53: ARNs of zones and checks have no account and no region."""
    for member, kind in (("HostedZoneId", "hostedzone"), ("Id", "hostedzone"), ("HealthCheckId", "healthcheck")):
        if member in params:
            return f"arn:aws:route53:::{kind}/{str(params[member]).rpartition('/')[2]}"
    return "*"


def _request_keys(call: Call, caller: Caller, params: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """IAM User Guide, AWS global condition context keys: those that such a request has."""
    keys = {**_of_caller(caller), **_of_time(int(call.now)), "aws:RequestedRegion": (call.region,)}
    given, named = params.get("Tags") or params.get("tags"), params.get("TagKeys") or params.get("tagKeys")
    if isinstance(given, list):
        pairs = [{name.lower(): str(value) for name, value in one.items()} for one in given]
        keys |= {f"aws:RequestTag/{one['key']}": (one.get("value", ""),) for one in pairs}
        keys["aws:TagKeys"] = tuple(one["key"] for one in pairs)
    elif isinstance(named, list):
        keys["aws:TagKeys"] = tuple(map(str, named))
    return keys


@functools.lru_cache(maxsize=4_096)
def _of_caller(caller: Caller) -> Mapping[str, tuple[str, ...]]:
    """The same in each request of a caller."""
    principal = caller.principal
    keys: dict[str, tuple[str, ...]] = {
        "aws:PrincipalArn": (principal.issuer or principal.arn,),
        "aws:PrincipalAccount": (principal.account,),
        "aws:PrincipalType": ("User" if principal.kind == "user" else "AssumedRole",),
        "aws:userid": (caller.user_id,),
        "aws:SourceIp": ("127.0.0.1",),
        "aws:SecureTransport": ("false",),
    }
    if principal.kind == "user":
        keys["aws:username"] = (caller.holder[1],)
    return keys | {f"aws:PrincipalTag/{name}": (value,) for name, value in caller.tags}


@functools.lru_cache(maxsize=8)
def _of_time(second: int) -> Mapping[str, tuple[str, ...]]:
    """Service time."""
    told = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"aws:CurrentTime": (told,), "aws:EpochTime": (str(second),)}


def _refusal(call: Call, caller: Caller, action: str, resource: str, decision: Decision) -> ServiceError:
    code, status = _DENIED.get(call.service, ("AccessDenied", 403))
    call.note("access.denied", caller.principal.arn, f"{action} on {resource}: {decision.reason}")
    return ServiceError(code, _told(caller, action, resource, decision), status=status)


def _told(caller: Caller, action: str, resource: str, decision: Decision) -> str:
    where = "" if resource == "*" else f" on resource: {resource}"
    why = decision.why.removeprefix("because ")
    return f"User: {caller.principal.arn} is not authorized to perform: {action}{where} because {why}"
