"""The principal that signed a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from surveyor_policies.model import Principal

__all__ = ["Caller"]


@dataclass(frozen=True, slots=True)
class Caller:
    """A user, or a session of a user or a role. The owner of an account has no Caller: it may do everything.

    ``holder`` is the kind and the name of the user or role whose policies apply. ``session`` holds the texts of session
    policies and ``managed`` the ARNs of managed session policies, both of which narrow what a session may do. ``tags``
    are the tags of the principal, for ``aws:PrincipalTag``; the keys in ``transitive`` pass on to the sessions of roles
    that this session assumes. ``issued`` is the time at which temporary credentials were issued, in service seconds
    since the epoch; None for the key of a user.
    """

    principal: Principal
    holder: tuple[str, str]
    user_id: str
    session: tuple[str, ...] | None = None
    managed: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    issued: float | None = None
    transitive: tuple[str, ...] = ()
