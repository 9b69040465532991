"""Observers: each looks at one view again and again, on an absolute schedule, from a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.rcode
import dns.rdataclass
import dns.rdatatype
from botocore.exceptions import BotoCoreError, ClientError

from surveyor.chaos.experiment_clock import Flow
from surveyor.chaos.service_under_test import ServiceUnderTest, Task, task_of
from surveyor.dns import ask
from surveyor.errors import NoAnswer
from surveyor.history import Member, Outcome, Recorder, View
from surveyor.targets.control import DnsAddress

__all__ = ["Observer", "Seen", "discovered", "listed", "named", "roll", "views_of"]

MOST_DISCOVERED = 1_000
"""As many as DiscoverInstances gives at most (servicediscovery/DiscoverMaxResults)."""

AT_ONCE = 100
_GOING = frozenset({"STOPPED", "DEPROVISIONING"})


@dataclass(frozen=True)
class Seen:
    """What one look saw."""

    members: Mapping[str, Member]
    revision: int = 0
    ttl: float = 0.0


def views_of(scene: ServiceUnderTest) -> dict[str, View]:
    """The views of a service, as a history's header has them."""
    views = {"list": View(), "discover": View(), "healthy": View(healthy=True)}
    if scene.alias:
        # Eight addresses at most, and only healthy ones if any is (servicediscovery/DnsConfig.RoutingPolicy).
        views["names"] = View("addresses", healthy=scene.health, most=8)
    return views


def listed(cloudmap: Any, scene: ServiceUnderTest) -> Seen:
    """ListInstances, all pages."""
    pages = cloudmap.get_paginator("list_instances").paginate(ServiceId=scene.registry)
    found = [one for page in pages for one in page["Instances"]]
    return Seen({one["Id"]: Member(_address(one)) for one in found})


def discovered(cloudmap: Any, scene: ServiceUnderTest, health: str = "ALL") -> Seen:
    """DiscoverInstances with that HealthStatus."""
    owner = {"OwnerAccount": scene.owner} if scene.owner else {}
    answer = cloudmap.discover_instances(
        NamespaceName=scene.namespace, ServiceName=scene.name, HealthStatus=health, MaxResults=MOST_DISCOVERED, **owner
    )
    return Seen(
        {one["InstanceId"]: Member(_address(one), one.get("HealthStatus") or "") for one in answer["Instances"]},
        int(answer.get("InstancesRevision") or 0),
    )


def named(server: DnsAddress, name: str, timeout: float) -> Seen:
    """The addresses that a server gives for a name. Raises NoAnswer, also for what is neither an answer nor empty."""
    answer = ask(name, "A", server, timeout=timeout)
    if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        told = dns.rcode.to_text(answer.rcode())
        raise NoAnswer(f"the resolver answered {told}", actual=f"dns: {told}")
    found = [rrset for rrset in answer.answer if rrset.rdtype == dns.rdatatype.A]
    members = {record.to_text(): Member(record.to_text()) for rrset in found for record in rrset}
    return Seen(members, ttl=float(min((rrset.ttl for rrset in found), default=0)))


def roll(ecs: Any, scene: ServiceUnderTest, known: dict[str, Task]) -> dict[str, Task]:
    """All tasks of the service that run, or were known and have not been seen to be stopped."""
    pages = ecs.get_paginator("list_tasks").paginate(cluster=scene.cluster, serviceName=scene.service)
    arns = [arn for page in pages for arn in page["taskArns"]]
    arns += [one.arn for one in known.values() if one.status not in _GOING and one.arn not in arns]
    found: dict[str, Task] = {}
    for start in range(0, len(arns), AT_ONCE):
        for one in ecs.describe_tasks(cluster=scene.cluster, tasks=arns[start : start + AT_ONCE])["tasks"]:
            task = task_of(one)
            found[task.id] = task
    known.update(found)
    return found


class Observer(threading.Thread):
    """Looks every `period` service seconds, from its start on; a look that comes late is left out and counted."""

    def __init__(
        self, view: str, look: Callable[[], Seen | Mapping[str, Task]], recorder: Recorder, flow: Flow, period: float
    ) -> None:
        super().__init__(name=f"observer of {view}", daemon=True)
        self.view = view
        self.missed = 0
        self.broken: BaseException | None = None
        self._look, self._recorder, self._flow, self._period = look, recorder, flow, period
        self._over = threading.Event()

    def run(self) -> None:
        """Look until told to stop."""
        try:
            self._run()
        except BaseException as broken:  # noqa: BLE001  # told by whoever waits for this thread
            self.broken = broken

    def _run(self) -> None:
        start, number = self._flow.now(), 0
        while not self._flow.wait(start + number * self._period, self._over):
            self.once()
            late = int((self._flow.now() - start) / self._period)
            self.missed += max(0, late - number - 1)
            number = max(number + 1, late)

    def once(self) -> None:
        """One look."""
        what = "tasks" if self.view == "tasks" else "look"
        began = self._recorder.invoke(self.view, what, view=self.view)
        try:
            seen = self._look()
        except ClientError as refused:
            self._recorder.end(began, Outcome.FAIL, error=str(refused.response.get("Error", {}).get("Code", "")))
        except (BotoCoreError, NoAnswer, dns.exception.DNSException, OSError) as silent:
            self._recorder.end(began, Outcome.INFO, error=type(silent).__name__)
        else:
            if isinstance(seen, Seen):
                self._recorder.saw(began, seen.members, revision=seen.revision, ttl=seen.ttl)
            else:
                self._recorder.counted(began, {task.id: task.seen() for task in seen.values()})

    def stop(self) -> None:
        """Look no more."""
        self._over.set()


def _address(instance: Mapping[str, Any]) -> str:
    return str((instance.get("Attributes") or {}).get("AWS_INSTANCE_IPV4") or "")
