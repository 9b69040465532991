"""Who signed a request, where that is not the owner of an account: a user, or a session of a role or a user."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from surveyor_policies.model import Policy, PolicySet, Principal

from . import moto_store

__all__ = ["Caller", "user"]


@dataclass(frozen=True, slots=True)
class Caller:
    """`holder` is the kind and name of the user or role whose policies count, `session` what limits a session of it.

    `tags` are those of the principal, for `aws:PrincipalTag`.
    """

    principal: Principal
    holder: tuple[str, str]
    user_id: str
    session: tuple[str, ...] | None = None
    managed: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = field(default=())

    def policies(self) -> PolicySet:
        """All policies that apply to it now. Raises KeyError or MalformedPolicy where one cannot be had."""
        own = moto_store.policies_of(self.principal.account, *self.holder)
        if self.session is None and not self.managed:
            return own
        limits: list[Policy] = [moto_store.session_policy(text) for text in self.session or ()]
        limits += [moto_store.managed(self.principal.account, arn) for arn in self.managed]
        return replace(own, session=tuple(limits))


def user(account: str, name: str) -> Caller:
    """A user by the name of an access key's owner."""
    arn, user_id = moto_store.user(account, name)
    return Caller(Principal(arn, account, "user"), ("user", name), user_id)
