"""Authentication: from the signature of a request to the account and the principal that signed it."""

from __future__ import annotations

import functools

from surveyor_emulator.aws.iam import moto_store
from surveyor_emulator.aws.sts import sessions
from surveyor_emulator.core.caller import Caller
from surveyor_emulator.core.http import Request
from surveyor_emulator.core.identifiers import is_account
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import World

from .door import is_from_page
from .presigned import session_token, verify_presigned
from .signature import Authorization, Credential, SigningError, verify

__all__ = ["authenticate"]


def authenticate(world: World, request: Request, authorization: Authorization | None, *, xml: bool) -> Credential:
    """Return the credential that signed a request. Raises ServiceError if there is none.

    ``authorization`` is the content of its header; ``xml`` selects the error codes of XML protocols.
    """
    settings = world.settings
    if authorization is None:
        if request.headers.get("authorization"):
            raise SigningError.incomplete(xml, "the Authorization header must be that of Signature Version 4")
        if settings.verify_signatures:
            raise SigningError.missing(xml)
        _refuse_page(request, xml)
        return _default_owner(settings)
    if authorization[0].problem:
        raise SigningError.mismatch(xml, authorization[0].problem)
    if settings.verify_signatures:
        check = verify if "authorization" in request.headers else verify_presigned
        return check(request, authorization, lambda key: _credential(world, key, request, xml), xml=xml)
    _refuse_page(request, xml)
    return _credential(world, authorization[0].access_key, request, xml) or _default_owner(settings)


def _refuse_page(request: Request, xml: bool) -> None:
    """Raise ServiceError for a web page: where signatures are verified it cannot send one without permission."""
    if is_from_page(request.headers):
        raise SigningError.incomplete(xml, "a web page must sign its requests, also where programs need not")


def _credential(world: World, access_key: str, request: Request, xml: bool) -> Credential | None:
    """Return the credential of an access key. The number of an account is the root key of its owner."""
    owner = _owner(world.settings.secret, access_key)
    if owner is not None:
        return owner
    if access_key.startswith("AKIA"):
        return _user_credential(access_key, moto_store.changes())
    session = sessions.read(world, access_key, session_token(request))
    if session is None:
        return None
    if session.expires <= world.clock.now():
        raise SigningError.expired(xml)
    caller = _session_caller(session) if session.grant.holder[0] else None
    return Credential(session.secret, session.account, session.principal, session.token, caller)


@functools.lru_cache(maxsize=1024)
def _owner(secret: str, access_key: str) -> Credential | None:
    """Return the root credential of the account whose number is the access key; None if it is another key."""
    if not is_account(access_key):
        return None
    return Credential(secret, access_key, f"arn:aws:iam::{access_key}:root")


def _default_owner(settings: Settings) -> Credential:
    return Credential(settings.secret, settings.account, f"arn:aws:iam::{settings.account}:root")


@functools.lru_cache(maxsize=4_096)
def _user_credential(access_key: str, changes: int) -> Credential | None:
    """Return the credential of a user's key, cached until something changes in IAM."""
    found = moto_store.access_key(access_key)
    if found is None:
        return None
    account, name, secret = found
    caller = moto_store.user_caller(account, name)
    return Credential(secret, account, caller.principal.arn, caller=caller)


def _session_caller(session: sessions.Session) -> Caller:
    from surveyor_policies.model import Principal  # imported late, as the policy engine is

    grant = session.grant
    is_role = grant.holder[0] == "role"
    principal = Principal(
        session.principal, session.account, "assumed-role" if is_role else "user", grant.issuer or None
    )
    return Caller(
        *(principal, grant.holder, grant.user_id, grant.policies, grant.managed, grant.tags, session.issued),
        grant.transitive,
    )
