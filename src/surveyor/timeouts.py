"""The time bounds of the harness, all in one file.

Bounds on the behaviour of a target are service seconds; bounds on processes and sockets are wall seconds.
"""

from __future__ import annotations

from typing import Self

__all__ = [
    "ALWAYS_STEP",
    "CANARY",
    "CONNECT",
    "CONTROL_ANSWER",
    "CREDENTIAL_PROCESS",
    "CUSTOM_HEALTH",
    "DEPLOYMENT",
    "DISCOVERY",
    "DNS_ANSWER",
    "DNS_CHANGE",
    "DNS_TRIES",
    "EVENT_RULE",
    "FIRST_STEP",
    "LARGEST_STEP",
    "LOCAL_ANSWER",
    "NAMESPACES",
    "NAMESPACE_IN_USE",
    "OPERATION",
    "OPERATION_POLL",
    "PRECISE_BOUND",
    "PROBE_ANSWER",
    "PROBE_INTERVAL",
    "READS",
    "READ_AGAIN",
    "READ_POLL",
    "REMOTE_ANSWER",
    "REMOVAL",
    "RESOLVER",
    "SCHEDULER",
    "SHARE",
    "START",
    "STEADY_POLL",
    "STOP",
    "TASK",
    "TASK_ANSWER",
    "TASK_CALLS",
    "TERMINATION",
    "TOLERANCE_ADVANCED",
    "TOLERANCE_FLOWING",
    "WALL_STEP",
    "Undocumented",
]


class Undocumented(float):
    """A bound that no document gives. In an account of AWS what takes longer is inconclusive, and is waited for longer.

    `in_account`: the bound there. Sums and multiples are undocumented too.
    """

    def __new__(cls, value: float, in_account: float | None = None) -> Self:
        """Return a bound of `value` seconds, and of `in_account` in an account."""
        bound = super().__new__(cls, value)
        bound.in_account = value if in_account is None else in_account
        return bound

    in_account: float

    def __add__(self, other: float) -> Undocumented:
        """Return a longer bound."""
        return Undocumented(float(self) + other, self.in_account + _in_account(other))

    __radd__ = __add__

    def __mul__(self, other: float) -> Undocumented:
        """Return a multiple of the bound."""
        return Undocumented(float(self) * other, self.in_account * other)

    __rmul__ = __mul__


def _in_account(bound: float) -> float:
    return bound.in_account if isinstance(bound, Undocumented) else bound


OPERATION = Undocumented(120.0, in_account=300.0)
"""Service seconds until an operation of Cloud Map must be SUCCESS or FAIL. Samples in the API reference reach 40 s;
where Route 53 throttles, it takes minutes.
"""

REMOVAL = 600.0
"""Service seconds until a subnet, a security group, a gateway, a VPC, a cluster or a target group can be deleted: the
network interfaces of load balancers and tasks stay for minutes (no document gives a bound)."""

OPERATION_POLL = 2.0
"""Service seconds between two polls of an operation on an advanced clock: most operations of Cloud Map end within."""

STEADY_POLL = 3.0
"""Service seconds between two polls of a deployment, or of an instance that joins a cluster, on an advanced clock:
these take half a minute or more."""

DISCOVERY = Undocumented(60.0)
"""Service seconds until DiscoverInstances shows a change (no document gives a bound; it takes seconds)."""

DNS_CHANGE = Undocumented(60.0, in_account=180.0)
"""Service seconds until name servers answer with a change (route53/ChangeResourceRecordSets: "generally within 60")."""

RESOLVER = Undocumented(600.0)
"""Service seconds until a Resolver endpoint must be OPERATIONAL, and an association of a rule or a rule group COMPLETE
(no document gives a bound; Terraform's provider waits ten minutes)."""

NAMESPACE_IN_USE = Undocumented(120.0)
"""Service seconds for which a namespace may be in use after its last service (Terraform's provider tries as long)."""

CUSTOM_HEALTH = 30.0
"""Service seconds that a change of a custom health status takes (servicediscovery/HealthCheckCustomConfig), without the
time until the change is visible."""

TOLERANCE_ADVANCED = 1.0
TOLERANCE_FLOWING = 15.0
"""Service seconds by which a duration that is documented as "about" N seconds may differ: on a clock that stands still
between two polls, and on a flowing one."""

EVENT_RULE = 60.0
"""Service seconds from the creation of a rule of EventBridge until events are taken to match it (events/PutRule: "Allow
a short period of time for changes to take effect."; no document gives a bound)."""

READS = 120.0
"""Service seconds until a read of Amazon ECS or EC2 shows what was written before it. Both follow an eventual
consistency model without a bound: ecs/RunTask proposes to repeat reads with waits that grow to "about five minutes" at
most, the EC2 Developer Guide ("Eventual consistency") to "a few minutes". Terraform's provider, which reads after each
write, gives up after two minutes (terraform-provider-aws, pull request 3387), and a read that never shows the write
costs this time."""

READ_POLL = 5.0
"""Service seconds between two such reads on an advanced clock: what is waited for was written before."""

READ_AGAIN = 5.0
"""Wall seconds after which audit and gate read again what a late read of ECS may explain; most are late by less."""

PROBE_INTERVAL = 30.0
"""Service seconds between two requests of one health checker (servicediscovery/HealthCheckConfig)."""

NAMESPACES = 12
"""Namespaces that one run may have at a time in a shared account (the quota is 50 per region)."""

TASK = Undocumented(300.0)
"""Service seconds until a task must be RUNNING, or STOPPED (no document gives a bound; Fargate takes about one minute,
and a stop takes the stopTimeout of at most 120 s)."""

CANARY = 120.0
"""Service seconds until the first task of a run must run, before others are started (Fargate takes 19 to 70 s by the
answers in public repositories that `surveyor_emulator.core.settings.DELAYS` cites)."""

DEPLOYMENT = Undocumented(900.0)
"""Service seconds until a service must have reached a steady state (no document gives a bound)."""

SCHEDULER = Undocumented(60.0)
"""Service seconds until the service scheduler must have acted on a change (no document gives a bound)."""

TASK_ANSWER = 10.0
TASK_CALLS = 600.0
"""Wall seconds for the answer of a task, and for that of a task that calls others first."""

CREDENTIAL_PROCESS = 60.0
"""Wall seconds for a program that prints credentials: it may wait for a login in a browser."""

FIRST_STEP = 0.25
LARGEST_STEP = 1.0
"""Service seconds between two polls on an advanced clock: short at first, then longer."""

PRECISE_BOUND = 120.0
"""Service seconds. In waits with a longer bound steps grow further: a few dozen polls are enough for any bound."""

ALWAYS_STEP = 0.5
"""Service seconds between two polls of `always`, at least."""

WALL_STEP = 0.5
"""Wall seconds between two polls on a flowing clock."""

TERMINATION = Undocumented(300.0)
"""Service seconds until TerminateInstances must have terminated an EC2 instance (no document gives a bound)."""

SHARE = Undocumented(60.0)
"""Service seconds until an invitation to a share, or its acceptance, is visible (no document gives a bound)."""

START = 90.0
"""Wall seconds until a started target must be ready, also on a busy machine; one that ends is noticed at once."""

STOP = 5.0
"""Wall seconds between SIGTERM to a started target and SIGKILL."""

CONNECT = 2.0
LOCAL_ANSWER = 10.0
REMOTE_ANSWER = 60.0
"""Wall seconds for a connection, for the answer of a target on this machine, and for that of a remote one."""

PROBE_ANSWER = 8.0
"""Wall seconds for the answer to the first call of a run: a target that does not answer ends the run within ten."""

CONTROL_ANSWER = 300.0
"""Wall seconds for an answer of the control endpoint, which comes once all that was due has happened: processes that a
test stops may take as long as they take."""

DNS_TRIES = 2
DNS_ANSWER = 2.0
"""How many times a query is sent, and the wall seconds allowed for each answer."""
