"""The services that clients are judged by: names in a private namespace, and tasks that are killed or drained."""

from __future__ import annotations

import contextlib
import http.client
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import dns.exception
import dns.message
import dns.query

from surveyor.clock import WallClock
from surveyor.dns import record_values
from surveyor.errors import SurveyorError
from surveyor.layout import find_layout
from surveyor.sandbox.entrance import RESOLVER
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, reach_target
from surveyor_agents import workload

__all__ = ["HARNESS", "PORT", "RunningTask", "Services", "TestedService", "start_services"]

HARNESS = "127.87.0.1"
"""The address from which the harness asks and commands, so that its packets are known among those of a client."""

PORT = workload.PORT
ACCOUNT = "000000000000"
MAX_ANSWER = 8
"""Records of an answer of multivalue routing, chosen at random (Route 53 guide, routing-policy-multivalue)."""

_IMAGE = "public.ecr.aws/docker/library/python:3.13-alpine"
_CLUSTER, _FAMILY = "clients", "clients"
_PER_CALL = 10
"""Tasks that one RunTask starts."""

_READY = 30.0
_COMMAND = 5.0
_QUICK = {
    "operation_start": "0.01", "operation_run": "0.01", "zone_run": "0.05", "dns_propagation": "0.01",
    "task_provisioning": "0.1", "task_pending": "0.1", "task_exit_noticed": "0.05",
}  # fmt: skip
"""Delays of the target, which would only prolong a run: what is judged is the client."""


@dataclass(frozen=True)
class RunningTask:
    """A task that runs. `address` is one of its subnet, `ipv6` another one that is registered, "" for none."""

    arn: str
    address: str
    ipv6: str = ""


@dataclass
class TestedService:
    """A service of Cloud Map with a name in the VPC. `kinds`: the types of its records, either SRV or addresses.

    `registered`: the tasks that its name leads to.
    """

    id: str
    name: str
    kinds: tuple[str, ...] = ("A",)
    registered: list[RunningTask] = field(default_factory=list)


@dataclass
class Services:
    """The embedded target of one run: create services and tasks in it, register, deregister and kill.

    Raises SurveyorError where the target does not do within 30 s what was asked for.
    """

    running: RunningTarget
    namespace: str
    namespace_id: str
    subnet: str
    token: str
    clock: WallClock = field(default_factory=WallClock)

    def create(self, name: str, ttl: int, *kinds: str) -> TestedService:
        """Return a new service without tasks, whose name does not exist yet. `kinds`: types of its records, or A."""
        kinds = kinds or ("A",)
        return TestedService(self._create(name, ttl, kinds), f"{name}.{self.namespace}", kinds)

    def add_family(self, service: TestedService, ttl: int) -> None:
        """Replace a service without tasks by one of that name whose tasks have IPv6 addresses as well."""
        self._client("servicediscovery").delete_service(Id=service.id)
        service.kinds = ("A", "AAAA")
        service.id = self._create(service.name.removesuffix(f".{self.namespace}"), ttl, service.kinds)

    def _create(self, name: str, ttl: int, kinds: Sequence[str]) -> str:
        records = [{"Type": kind, "TTL": ttl} for kind in kinds]
        made = self._client("servicediscovery").create_service(
            Name=name,
            NamespaceId=self.namespace_id,
            DnsConfig={"RoutingPolicy": "MULTIVALUE", "DnsRecords": records},
        )
        return str(made["Service"]["Id"])

    def run_tasks(self, count: int) -> list[RunningTask]:
        """Return that many new tasks, all of which answer."""
        ecs = self._client("ecs")
        arns: list[str] = []
        while len(arns) < count:
            made = ecs.run_task(
                cluster=_CLUSTER,
                taskDefinition=_FAMILY,
                count=min(_PER_CALL, count - len(arns)),
                launchType="FARGATE",
                networkConfiguration={"awsvpcConfiguration": {"subnets": [self.subnet]}},
            )
            if made.get("failures"):
                raise SurveyorError(f"the target did not start {count} tasks: {made['failures'][0].get('reason')}")
            arns += [task["taskArn"] for task in made["tasks"]]
        addresses: dict[str, str] = {}

        def all_run() -> bool:
            for start in range(0, count, 100):
                for task in ecs.describe_tasks(cluster=_CLUSTER, tasks=arns[start : start + 100])["tasks"]:
                    if task["lastStatus"] == "STOPPED":
                        raise SurveyorError(f"a task stopped while it started: {task.get('stoppedReason')}")
                    if task["lastStatus"] == "RUNNING":
                        details = {entry["name"]: entry["value"] for entry in task["attachments"][0]["details"]}
                        addresses[task["taskArn"]] = details["privateIPv4Address"]
            return len(addresses) == count

        self._until(all_run, f"{count} tasks to run")
        return [RunningTask(arn, addresses[arn]) for arn in arns]

    def change(self, changes: Sequence[tuple[TestedService, Sequence[RunningTask]]]) -> float:
        """Make each name lead to exactly these tasks; return when all of their answers did, as seconds since the epoch.

        Without tasks the name does not exist.
        """
        cloudmap = self._client("servicediscovery")
        operations = []
        for service, tasks in changes:
            for task in tasks:
                if task not in service.registered:
                    attributes = {"AWS_INSTANCE_IPV4": task.address}
                    attributes |= {"AWS_INSTANCE_IPV6": task.ipv6} if task.ipv6 else {}
                    attributes |= {"AWS_INSTANCE_PORT": str(PORT)} if "SRV" in service.kinds else {}
                    made = cloudmap.register_instance(
                        ServiceId=service.id, InstanceId=_instance(task), Attributes=attributes
                    )
                    operations.append(made["OperationId"])
            for task in service.registered:
                if task not in tasks:
                    made = cloudmap.deregister_instance(ServiceId=service.id, InstanceId=_instance(task))
                    operations.append(made["OperationId"])
            service.registered = list(tasks)
        self._await_operations(operations)
        for service, tasks in changes:
            expected = sorted(task.address for task in tasks)
            shown = ", ".join(expected[:MAX_ANSWER]) or "nothing"
            self._until(partial(self._leads_to, service, expected), f"{service.name} to lead to {shown}")
        return time.time()

    def resolve(self, name: str, kind: str = "A") -> list[str]:
        """Return the values that the resolver of the VPC gives for a name, [] if it does not exist."""
        question = dns.message.make_query(name, kind)
        try:
            answer, _ = dns.query.udp_with_fallback(question, RESOLVER, timeout=_COMMAND, source=HARNESS)
        except (OSError, dns.exception.DNSException) as error:
            raise SurveyorError(f"the resolver of the VPC did not answer for {name}: {error}") from None
        return sorted(record_values(answer, f"{name}.", kind))

    def kill(self, tasks: Sequence[RunningTask]) -> list[float]:
        """End the processes of tasks at once; return when for each. Their addresses refuse from then on."""
        killed = []
        for task in tasks:
            killed.append(time.time())
            with contextlib.suppress(OSError, http.client.HTTPException):  # it exits without an answer
                self.command(task, "/exit?code=137")
        return killed

    def stop(self, tasks: Sequence[RunningTask]) -> None:
        """Stop tasks by StopTask; they answer for the seconds of `drain` of `start_services`."""
        for task in tasks:
            self._client("ecs").stop_task(cluster=_CLUSTER, task=task.arn)

    def let_addresses_vanish(self) -> None:
        """Let calls to tasks that end from now on hang, instead of being refused."""
        assert self.running.control is not None
        self.running.control.set_stopped_addresses("vanish")

    def command(self, task: RunningTask, path: str) -> None:
        """Tell the program of a task what to do (surveyor_agents.workload). Raises OSError if it does not answer."""
        connection = http.client.HTTPConnection(task.address, PORT, timeout=_COMMAND, source_address=(HARNESS, 0))
        try:
            connection.request("PUT", path, headers={workload.TOKEN_HEADER: self.token})
            connection.getresponse().read()
        finally:
            connection.close()

    def _client(self, service: str) -> Any:
        return self.running.clients.client(service, ACCOUNT)

    def _await_operations(self, operations: Sequence[str]) -> None:
        for operation in operations:
            self._until(partial(self._is_done, operation), "an operation of Cloud Map to succeed")

    def _is_done(self, operation: str) -> bool:
        found = self._client("servicediscovery").get_operation(OperationId=operation)["Operation"]
        if found["Status"] == "FAIL":
            raise SurveyorError(f"an operation of Cloud Map failed: {found.get('ErrorMessage')}")
        return bool(found["Status"] == "SUCCESS")

    def _leads_to(self, service: TestedService, addresses: Sequence[str]) -> bool:
        if "SRV" in service.kinds:
            names = [value.split()[-1].rstrip(".") for value in self.resolve(service.name, "SRV")]
            found = [address for name in names for address in self.resolve(name)]
        else:
            found = self.resolve(service.name)
        return set(found) <= set(addresses) and len(found) == min(len(addresses), MAX_ANSWER)

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        try:
            self.clock.eventually(condition, within=_READY)
        except AssertionError as error:
            raise SurveyorError(f"expected {what} within {_READY:.0f} s: {error}") from None


@contextmanager
def start_services(namespace: str, negative_ttl: int, seed: int, drain: float = 0.0) -> Iterator[Services]:
    """Start the embedded target at wall time, with a private namespace in its default VPC; stop it at the end.

    Call it in a sandbox. `negative_ttl`: seconds for which resolvers may keep "no such name", the TTL of the SOA
    record; `drain`: for which a task answers after StopTask.
    """
    target = load_target("embedded", find_layout().targets)
    assert target.start is not None
    start = [*target.start.argv]
    start[start.index("--clock") + 1] = "flow"
    start += [word for name, value in _QUICK.items() for word in ("--set", f"{name}={value}")]
    target = replace(target, start=replace(target.start, argv=tuple(start)))
    with reach_target(target, seed) as running:
        token = secrets.token_hex(16)
        vpc, subnet = _default_network(running)
        cloudmap, ecs = (running.clients.client(name, ACCOUNT) for name in ("servicediscovery", "ecs"))
        soa = {"DnsProperties": {"SOA": {"TTL": negative_ttl}}}
        cloudmap.create_private_dns_namespace(Name=namespace, Vpc=vpc, Properties=soa)
        ecs.create_cluster(clusterName=_CLUSTER)
        words = ["serve", *(["--on-term", "drain", "--drain", f"{drain:g}"] if drain else [])]
        container = {
            "name": "app",
            "image": _IMAGE,
            "command": workload.command(*words, token=token),
            "portMappings": [{"containerPort": PORT}],
        }
        ecs.register_task_definition(
            family=_FAMILY,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[container],
        )
        services = Services(running, namespace, "", subnet, token)
        services.namespace_id = services.clock.eventually(lambda: _namespace(cloudmap, namespace), within=_READY)
        yield services


def _default_network(running: RunningTarget) -> tuple[str, str]:
    ec2 = running.clients.client("ec2", ACCOUNT)
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    return vpc, ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"][0]["SubnetId"]


def _namespace(cloudmap: Any, name: str) -> str:
    found = [entry["Id"] for entry in cloudmap.list_namespaces()["Namespaces"] if entry["Name"] == name]
    return found[0] if found else ""


def _instance(task: RunningTask) -> str:
    return task.arn.rpartition("/")[2]
