"""Observers: each polls one view of the service on a fixed schedule, in its own thread."""

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

from surveyor.chaos.experiment_clock import ServiceClock
from surveyor.chaos.service_under_test import ServiceTask, ServiceUnderTest, parse_task
from surveyor.dns import DnsAddress, query_server
from surveyor.errors import NoAnswer
from surveyor.history import Outcome, Recorder, View, ViewMember

__all__ = ["Observer", "ViewContents", "describe_tasks", "discover_instances", "list_instances", "resolve_name",
           "views_of"]  # fmt: skip

MAX_DISCOVERED = 1_000
"""Maximum number of instances in a response of DiscoverInstances (servicediscovery/DiscoverMaxResults)."""

BATCH = 100
_STOPPED = frozenset({"STOPPED", "DEPROVISIONING"})


@dataclass(frozen=True)
class ViewContents:
    """What a view contained when it was polled."""

    members: Mapping[str, ViewMember]
    revision: int = 0
    ttl: float = 0.0


def views_of(service: ServiceUnderTest) -> dict[str, View]:
    """Return the views of a service, as the header of a history describes them."""
    views = {"list": View(), "discover": View(), "healthy": View(healthy=True)}
    if service.alias:
        # At most eight addresses, and only healthy ones if any is healthy (servicediscovery/DnsConfig.RoutingPolicy).
        views["names"] = View("addresses", healthy=service.health, max_members=8)
    return views


def list_instances(cloudmap: Any, service: ServiceUnderTest) -> ViewContents:
    """Return all pages of ListInstances."""
    pages = cloudmap.get_paginator("list_instances").paginate(ServiceId=service.registry)
    instances = [instance for page in pages for instance in page["Instances"]]
    return ViewContents({instance["Id"]: ViewMember(_address(instance)) for instance in instances})


def discover_instances(cloudmap: Any, service: ServiceUnderTest, health: str = "ALL") -> ViewContents:
    """Return the response of DiscoverInstances with that HealthStatus."""
    owner = {"OwnerAccount": service.owner} if service.owner else {}
    response = cloudmap.discover_instances(
        NamespaceName=service.namespace,
        ServiceName=service.name,
        HealthStatus=health,
        MaxResults=MAX_DISCOVERED,
        **owner,
    )
    members = {
        instance["InstanceId"]: ViewMember(_address(instance), instance.get("HealthStatus") or "")
        for instance in response["Instances"]
    }
    return ViewContents(members, int(response.get("InstancesRevision") or 0))


def resolve_name(server: DnsAddress, name: str, timeout: float) -> ViewContents:
    """Return the addresses that a DNS server gives for a name.

    Raises NoAnswer, also for a response code other than NOERROR and NXDOMAIN.
    """
    response = query_server(name, "A", server, timeout=timeout)
    if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        code = dns.rcode.to_text(response.rcode())
        raise NoAnswer(f"the resolver answered {code}", actual=f"dns: {code}")
    rrsets = [rrset for rrset in response.answer if rrset.rdtype == dns.rdatatype.A]
    members = {record.to_text(): ViewMember(record.to_text()) for rrset in rrsets for record in rrset}
    return ViewContents(members, ttl=float(min((rrset.ttl for rrset in rrsets), default=0)))


def describe_tasks(ecs: Any, service: ServiceUnderTest, known: dict[str, ServiceTask]) -> dict[str, ServiceTask]:
    """Return all tasks of the service that are running, or are in `known` and were not yet described as stopped.

    Adds them to `known`.
    """
    pages = ecs.get_paginator("list_tasks").paginate(cluster=service.cluster, serviceName=service.service)
    arns = [arn for page in pages for arn in page["taskArns"]]
    arns += [task.arn for task in known.values() if task.status not in _STOPPED and task.arn not in arns]
    tasks: dict[str, ServiceTask] = {}
    for start in range(0, len(arns), BATCH):
        for described in ecs.describe_tasks(cluster=service.cluster, tasks=arns[start : start + BATCH])["tasks"]:
            task = parse_task(described)
            tasks[task.id] = task
    known.update(tasks)
    return tasks


class Observer(threading.Thread):
    """Polls a view every `period` service seconds from its start; a poll that would be late is skipped.

    `made` and `skipped` count both.
    """

    def __init__(
        self,
        view: str,
        poll: Callable[[], ViewContents | Mapping[str, ServiceTask]],
        recorder: Recorder,
        clock: ServiceClock,
        period: float,
    ) -> None:
        super().__init__(name=f"observer of {view}", daemon=True)
        self.view = view
        self.made, self.skipped = 0, 0
        self.error: BaseException | None = None
        self._poll, self._recorder, self._clock, self._period = poll, recorder, clock, period
        self._stopped = threading.Event()

    def run(self) -> None:
        """Poll until stopped."""
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001  # raised again by the thread that waits for this one
            self.error = error

    def _run(self) -> None:
        start, number = self._clock.now(), 0
        while not self._clock.wait(start + number * self._period, self._stopped):
            self.poll_once()
            self.made += 1
            due = int((self._clock.now() - start) / self._period)
            self.skipped += max(0, due - number - 1)
            number = max(number + 1, due)

    def poll_once(self) -> None:
        """Poll the view once, and record the result."""
        what = "tasks" if self.view == "tasks" else "look"
        began = self._recorder.invoke(self.view, what, view=self.view)
        try:
            result = self._poll()
        except ClientError as error:
            self._recorder.end(began, Outcome.FAIL, error=str(error.response.get("Error", {}).get("Code", "")))
        except (BotoCoreError, NoAnswer, dns.exception.DNSException, OSError) as error:
            self._recorder.end(began, Outcome.INFO, error=type(error).__name__)
        else:
            if isinstance(result, ViewContents):
                self._recorder.record_view(began, result.members, revision=result.revision, ttl=result.ttl)
            else:
                self._recorder.record_tasks(began, {task.id: task.state() for task in result.values()})

    def stop(self) -> None:
        """Stop polling."""
        self._stopped.set()


def _address(instance: Mapping[str, Any]) -> str:
    return str((instance.get("Attributes") or {}).get("AWS_INSTANCE_IPV4") or "")
