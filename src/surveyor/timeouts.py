"""Every time bound of the harness by name, so that a judge can be slower than the documents without a hunt.

Service seconds where a target's behaviour is waited for; wall seconds where a process or a socket is.
"""

from __future__ import annotations

__all__ = [
    "ALWAYS_STEP",
    "CONNECT",
    "CUSTOM_HEALTH",
    "DEPLOYMENT",
    "DISCOVERY",
    "DNS_ANSWER",
    "DNS_CHANGE",
    "DNS_TRIES",
    "FIRST_STEP",
    "LARGEST_STEP",
    "LOCAL_ANSWER",
    "NAMESPACES",
    "OPERATION",
    "PROBE_INTERVAL",
    "REMOTE_ANSWER",
    "SCHEDULER",
    "SHARE",
    "START",
    "STOP",
    "TASK",
    "TASK_ANSWER",
    "TASK_CALLS",
    "TERMINATION",
    "TOLERANCE_ADVANCED",
    "TOLERANCE_FLOWING",
    "WALL_STEP",
]

OPERATION = 120.0
"""Service seconds until an operation of Cloud Map must be SUCCESS or FAIL (samples in the API reference reach 40 s)."""

DISCOVERY = 60.0
"""Service seconds until DiscoverInstances shows a change (no document gives a bound; it takes seconds)."""

DNS_CHANGE = 60.0
"""Service seconds until name servers answer with a change (route53/ChangeResourceRecordSets: "generally within 60")."""

CUSTOM_HEALTH = 30.0
"""Service seconds that a custom health status takes (servicediscovery/HealthCheckCustomConfig); add how long the change
takes to be seen."""

TOLERANCE_ADVANCED = 1.0
TOLERANCE_FLOWING = 15.0
"""Service seconds by which something documented as "about" so long may come sooner or later: on a clock that stands
still between two looks, and on one that flows."""

PROBE_INTERVAL = 30.0
"""Service seconds between two requests of one health checker (servicediscovery/HealthCheckConfig)."""

NAMESPACES = 12
"""Namespaces of one run that may stand at a time in an account that others use too (its quota is 50 a region)."""

TASK = 300.0
"""Service seconds until a task must be RUNNING, or STOPPED (no document gives a bound; Fargate takes about one minute,
and a stop takes the stopTimeout of at most 120 s)."""

DEPLOYMENT = 900.0
"""Service seconds until a service must have reached a steady state (no document gives a bound)."""

SCHEDULER = 60.0
"""Service seconds until the service scheduler must have acted on something (no document gives a bound)."""

TASK_ANSWER = 10.0
TASK_CALLS = 600.0
"""Wall seconds for an answer of a task, and of one that has to call others first."""

FIRST_STEP = 0.25
LARGEST_STEP = 1.0
"""Service seconds between two looks on a clock that is advanced: small at first, so that quick effects are seen
when they happen, then coarser, because each step is a round trip."""

ALWAYS_STEP = 0.5
"""Service seconds between two looks of `always`."""

WALL_STEP = 0.5
"""Seconds between two looks on a clock that flows by itself."""

TERMINATION = 300.0
"""Service seconds until an EC2 instance that is told to must be terminated (no document gives a bound)."""

SHARE = 60.0
"""Service seconds until an invitation to a resource share, or its acceptance, is seen (no document gives a bound)."""

START = 30.0
"""Wall seconds until a started target must be ready."""

STOP = 5.0
"""Wall seconds between asking a started target to end and killing it."""

CONNECT = 2.0
LOCAL_ANSWER = 10.0
REMOTE_ANSWER = 60.0
"""Wall seconds for a connection, for an answer of a target on this machine, and of one that is elsewhere."""

DNS_TRIES = 2
DNS_ANSWER = 2.0
"""How often a question is sent, and wall seconds for an answer to each."""
