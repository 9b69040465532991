"""The guard of a client in an account that others use too: no call changes what the run does not own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from surveyor.account.ownership import Ownership
from surveyor.targets.model import Target

__all__ = ["guard", "ownership_in"]


def ownership_in(target: Target, run: str | None, ledgers: Path | None = None) -> Ownership | None:
    """Return what a run owns in the account of a target, at first nothing; None if each test has an account.

    `ledgers`: the folder of the ledgers of its workers.
    """
    if not target.is_one_account:
        return None
    place = target.place
    places = (target.vpc, place.cluster, *place.subnets, *place.security_groups)
    roles = filter(None, [target.role])
    return Ownership(run, ledgers, filter(None, places), roles, limited=target.start is None)


def guard(client: Any, ownership: Ownership) -> None:
    """Have a client raise NotOwned before it sends a call that would change what is not the run's."""
    service = client.meta.service_model.service_name

    def check(params: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
        context["surveyor_asked"] = params
        members = model.input_shape.members if model.input_shape else ()
        ownership.check(service, model.name, params, members)

    def learn(http_response: Any, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
        asked = context.get("surveyor_asked", {})
        ownership.learn(service, model.name, asked, parsed, refused=http_response.status_code >= 300)

    client.meta.events.register("provide-client-params", check)
    client.meta.events.register("after-call", learn)
