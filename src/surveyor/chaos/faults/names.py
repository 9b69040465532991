"""Faults of the resolver that callers use."""

from __future__ import annotations

from surveyor.chaos.actions import ActionContext
from surveyor.chaos.faults.model import Fault, FaultImplementation, FaultPlan, Victims
from surveyor.observers.service_under_test import ServiceUnderTest

__all__ = ["NAME_FAULTS"]

PACKETS = 1_024.0
"""Packets a second that a VPC's resolver answers from one interface (Amazon VPC User Guide, "Amazon DNS server")."""

_DNS = frozenset({"dns"})


def _plan(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
    share = float(victims.parameters.get("share", 1.0))
    return FaultPlan(proxy_share=share, description=f"{share:.0%} of callers' questions")


def _limit(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
    rate = float(victims.parameters.get("rate", PACKETS))
    return FaultPlan(proxy_share=1.0, amount=rate, description=f"{rate:g} of callers' questions a second are answered")


NAME_FAULTS = (
    *(
        Fault(name, description, (FaultImplementation(_DNS, _plan),), lasting=True)
        for name, description in (
            ("dns.servfail", "answers callers' questions with SERVFAIL"),
            ("dns.timeout", "leaves callers' questions without an answer"),
            ("dns.nxdomain", "answers callers that the name does not exist (NXDOMAIN)"),
            ("dns.lie", "answers callers with an address that no task has"),
        )
    ),
    Fault(
        "dns.packet-limit",
        "drops callers' questions beyond the packets of a second that a resolver takes (1,024)",
        (FaultImplementation(_DNS, _limit),),
        lasting=True,
    ),
)
