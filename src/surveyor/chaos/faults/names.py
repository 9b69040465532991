"""Faults of callers' resolver."""

from __future__ import annotations

from surveyor.chaos.actions import ActionContext
from surveyor.chaos.faults.model import Fault, FaultImplementation, FaultPlan, Victims
from surveyor.chaos.service_under_test import ServiceUnderTest

__all__ = ["NAMES"]

_DNS = frozenset({"dns"})


def _front(scene: ServiceUnderTest, victims: Victims, hands: ActionContext) -> FaultPlan:
    share = float(victims.given.get("share", 1.0))
    return FaultPlan(front=share, told=f"{share:.0%} of callers' questions")


NAMES = tuple(
    Fault(name, does, (FaultImplementation(_DNS, _front),), lasting=True)
    for name, does in (
        ("dns.servfail", "answers callers' questions with SERVFAIL"),
        ("dns.timeout", "leaves callers' questions without an answer"),
        ("dns.nxdomain", "answers callers that there is no such name"),
        ("dns.lie", "answers callers with an address that is nobody's"),
    )
)
