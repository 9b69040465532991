"""Temporary credentials that contain everything about themselves, so that none need to be stored.

The session token holds the account, the principal and the time of expiry under a message authentication code that only
this target can compute, until it ends; the secret key is another such code.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from typing import Any

import orjson

from surveyor_emulator.core.world import World

__all__ = ["OWNER", "Grant", "Session", "issue", "read"]

_CODE = 32


@dataclass(frozen=True, slots=True)
class Session:
    """Temporary credentials; ``expires`` and ``issued`` in service seconds since the epoch."""

    access_key: str
    secret: str
    token: str
    account: str
    principal: str
    expires: float
    issued: float
    grant: Grant


@dataclass(frozen=True, slots=True)
class Grant:
    """The rights of a session, beyond its principal: its user or role, and the policies that limit it.

    ``holder`` is `("", "")` for the owner of an account. ``issuer`` is the ARN of the role, ``policies`` are texts of
    session policies (None if there are none), ``managed`` ARNs of managed ones, ``transitive`` keys of tags
    that pass on.
    """

    holder: tuple[str, str] = ("", "")
    issuer: str = ""
    user_id: str = ""
    policies: tuple[str, ...] | None = None
    managed: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    transitive: tuple[str, ...] = ()


OWNER = Grant()
"""The grant of the owner of an account."""


def issue(world: World, account: str, principal: str, seconds: float, grant: Grant = OWNER) -> Session:
    """Return new credentials for ``principal`` that expire after ``seconds`` of service time."""
    access_key = f"ASIA{base64.b32encode(world.request_random.randbytes(10)).decode()}"
    issued = world.clock.now()
    expires = issued + seconds
    content = orjson.dumps([access_key, account, principal, expires, issued, grant])
    token = base64.b64encode(_code(world, "token", content) + content).decode()
    return Session(access_key, _secret(world, content), token, account, principal, expires, issued, grant)


def read(world: World, access_key: str, token: str) -> Session | None:
    """Return the credentials of a token that this target issued for ``access_key``, expired or not, else None."""
    try:
        data = base64.b64decode(token, validate=True)
    except ValueError:
        return None
    code, content = data[:_CODE], data[_CODE:]
    if not hmac.compare_digest(code, _code(world, "token", content)):
        return None
    key, account, principal, expires, issued, grant = orjson.loads(content)
    if key != access_key:
        return None
    return Session(access_key, _secret(world, content), token, account, principal, expires, issued, _parse_grant(grant))


def _parse_grant(values: dict[str, Any]) -> Grant:
    kind, name = values["holder"]
    policies = values["policies"]
    return Grant(
        holder=(kind, name),
        issuer=values["issuer"],
        user_id=values["user_id"],
        policies=tuple(policies) if policies is not None else None,
        managed=tuple(values["managed"]),
        tags=tuple((key, value) for key, value in values["tags"]),
        transitive=tuple(values["transitive"]),
    )


def _code(world: World, purpose: str, content: bytes) -> bytes:
    return hmac.digest(world.secret_key, purpose.encode() + b"/" + content, "sha256")


def _secret(world: World, content: bytes) -> str:
    return base64.b64encode(_code(world, "secret", content)).decode()
