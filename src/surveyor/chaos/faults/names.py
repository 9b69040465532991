"""Faults of the resolver that callers use."""

from __future__ import annotations

from surveyor.chaos.actions import ActionContext
from surveyor.chaos.faults.model import Fault, FaultImplementation, FaultPlan, Victims
from surveyor.observers.service_under_test import ServiceUnderTest

__all__ = ["NAME_FAULTS"]

_DNS = frozenset({"dns"})


def _plan(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
    share = float(victims.parameters.get("share", 1.0))
    return FaultPlan(proxy_share=share, description=f"{share:.0%} of callers' questions")


NAME_FAULTS = tuple(
    Fault(name, description, (FaultImplementation(_DNS, _plan),), lasting=True)
    for name, description in (
        ("dns.servfail", "answers callers' questions with SERVFAIL"),
        ("dns.timeout", "leaves callers' questions without an answer"),
        ("dns.nxdomain", "answers callers that the name does not exist (NXDOMAIN)"),
        ("dns.lie", "answers callers with an address that no task has"),
    )
)
