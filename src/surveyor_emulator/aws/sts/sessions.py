"""Temporary credentials that carry everything about themselves, so that nothing is kept of them.

The session token names the account, the principal and the moment of expiry under a code that only this target can
make; the secret key is another such code. The access key id holds its account in base 32, since GetAccessKeyInfo is
asked with nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import Any

import orjson

from surveyor_emulator.core.world import World

__all__ = ["OWNER", "Grant", "Session", "account_of", "issue", "read"]

_PREFIX = "ASIA"
_CODE = 32


@dataclass(frozen=True, slots=True)
class Session:
    """Temporary credentials; ``expires`` in service seconds since the epoch."""

    access_key: str
    secret: str
    token: str
    account: str
    principal: str
    expires: float
    grant: Grant


@dataclass(frozen=True, slots=True)
class Grant:
    """What a session stands for, beyond its principal: the user or role behind it, and what limits it.

    ``holder`` is `("", "")` for the owner of an account. ``issuer`` is the ARN of the role, ``policies`` are texts of
    session policies (None if there are none), ``managed`` ARNs of managed ones.
    """

    holder: tuple[str, str] = ("", "")
    issuer: str = ""
    user_id: str = ""
    policies: tuple[str, ...] | None = None
    managed: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


OWNER = Grant()
"""A session of an account's owner."""


def issue(world: World, account: str, principal: str, seconds: float, grant: Grant = OWNER) -> Session:
    """New credentials for ``principal`` that hold for ``seconds`` of service time."""
    nonce = world.request_random.getrandbits(40)
    access_key = _PREFIX + base64.b32encode(int(account).to_bytes(5, "big") + nonce.to_bytes(5, "big")).decode()
    expires = world.clock.now() + seconds
    content = orjson.dumps([access_key, account, principal, expires, grant])
    token = base64.b64encode(_code(world, "token", content) + content).decode()
    return Session(access_key, _secret(world, content), token, account, principal, expires, grant)


def read(world: World, access_key: str, token: str) -> Session | None:
    """The credentials of a token that this target has issued for ``access_key``, expired or not."""
    try:
        whole = base64.b64decode(token, validate=True)
    except (binascii.Error, ValueError):  # ValueError: characters that are not ASCII
        return None
    code, content = whole[:_CODE], whole[_CODE:]
    if not hmac.compare_digest(code, _code(world, "token", content)):
        return None
    key, account, principal, expires, told = orjson.loads(content)
    if key != access_key:
        return None
    return Session(access_key, _secret(world, content), token, account, principal, expires, _grant(told))


def _grant(told: dict[str, Any]) -> Grant:
    kind, name = told["holder"]
    policies = told["policies"]
    return Grant(
        holder=(kind, name),
        issuer=told["issuer"],
        user_id=told["user_id"],
        policies=tuple(policies) if policies is not None else None,
        managed=tuple(told["managed"]),
        tags=tuple((key, value) for key, value in told["tags"]),
    )


def account_of(access_key: str) -> str | None:
    """The account of a temporary access key id; ``None`` for any other text."""
    if len(access_key) != 20 or not access_key.startswith(_PREFIX):
        return None
    try:
        number = int.from_bytes(base64.b32decode(access_key[len(_PREFIX) :])[:5], "big")
    except (binascii.Error, ValueError):
        return None
    return f"{number:012d}" if number < 10**12 else None


def _code(world: World, purpose: str, content: bytes) -> bytes:
    key = f"{purpose}/{world.settings.secret}/{world.settings.seed}".encode()
    return hmac.digest(key, content, "sha256")


def _secret(world: World, content: bytes) -> str:
    return base64.b64encode(_code(world, "secret", content)[:30]).decode()
