"""Refuse calls that would change what a run does not own, in an account that others use too.

A run owns what has its mark (the prefix of its names, or its tag), what its calls created, and what is inside: the
zone of its namespace, the tasks of its service. Ids in answers that are of nothing like that belong to others. Ids that
no answer has shown are sent: suites ask for what cannot exist, and an id with a random part is not guessed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from surveyor.account.ledger import ledgers_in, read_ledger, values_at
from surveyor.account.naming import (
    ENTRIES,
    RANDOM,
    Named,
    cluster_in,
    is_random,
    last_part,
    named_resources,
    strings,
)
from surveyor.account.principals import limit_refusal
from surveyor.account.resources import CREATES
from surveyor.account.tags import TAG, run_prefix
from surveyor.errors import Inconclusive

__all__ = ["NotOwned", "Ownership", "is_read"]

_READS = re.compile(r"(?:Describe|Get|List|Discover|Test|Search|Filter|Lookup|Query|BatchGet|Decode|Simulate)(?![a-z])")
_CREATED: Mapping[str, tuple[str, ...]] = {
    "ecs:StartTask": ("tasks", "taskArn"),
    "ram:CreateResourceShare": ("resourceShare", "resourceShareArn"),
}
_NAME = re.compile(r"[\w+=,.@:/#$-]{1,2048}", re.ASCII)
"""What a name or an ARN may consist of: a service refuses any other text."""


class NotOwned(Inconclusive):
    """A call was not sent, since it would change what the run does not own."""


def is_read(operation: str) -> bool:
    """Return whether an operation only reads, by the first word of its name."""
    return _READS.match(operation) is not None


class Ownership:
    """What a run owns in an account, and what others own there as far as answers have shown it.

    `folder`: that of the ledgers of all workers of the run. `places`: names and ids that the user gave, in which the
    run may create something. `roles`: ARNs of roles that it may assume. Without a run nothing is owned.
    `limited`: users and roles of the run must have a limit.
    """

    def __init__(
        self,
        run: str | None = None,
        folder: Path | None = None,
        places: Iterable[str] = (),
        roles: Iterable[str] = (),
        *,
        limited: bool = True,
    ) -> None:
        self.prefix = run_prefix(run or secrets.token_hex(4))
        self._mark = re.compile(rf"(?<![\w-]){re.escape(self.prefix)}")
        self._run = run
        self._folder = folder
        self._places = frozenset(places)
        self._roles = frozenset(roles)
        self._limited = limited
        self._owned: set[str] = set()
        self._foreign: set[str] = {token for place in self._places for token in RANDOM.findall(place)}
        self._permitted: dict[str, set[str]] = {}
        self._related: dict[str, tuple[str, ...]] = {}  # id in an answer -> ids of what its description names

    def own(self, values: Iterable[str]) -> None:
        """Count resources as the run's: ids and ARNs, from a ledger or from a search for its marks."""
        for value in values:
            self._owned.add(value)
            if RANDOM.fullmatch(last_part(value)):
                self._owned.add(last_part(value))

    def permit(self, operation: str, *values: str) -> None:
        """Allow one operation (`service:Operation`) for resources of the user's, which the user named for it.

        A service of ECS is named as CLUSTER/SERVICE; a permit of StopTask for it includes its tasks.
        """
        self._permitted.setdefault(operation, set()).update(values)

    def check(
        self, service: str, operation: str, params: Mapping[str, Any], members: Collection[str] | None = None
    ) -> None:
        """Raise NotOwned if the call would change anything that is not the run's.

        `members`: those of the operation's input; None for a request that no client has written.
        """
        if is_read(operation) or (service == "ec2" and params.get("DryRun") is True):
            return
        name = f"{service}:{operation}"
        named = named_resources(service, operation, params, params if members is None else members)
        if members is None and named is None:
            named = ()  # without what it requires, or of no such name: the service refuses it
        if name not in self._permitted and _changes_the_account(name, service, named):
            raise NotOwned(f"{name} is not sent: it names nothing of the run, and would change the whole account")
        if service == "iam" and self._limited and (reason := limit_refusal(operation, params)):
            raise NotOwned(f"{name} is not sent: it {reason}")
        permitted = self._permitted.get(name, set())
        for resource in named or ():
            why = self._reason(resource)
            if why and not self._keys(resource) & permitted:
                raise NotOwned(f"{name} is not sent: {resource.member} {resource.value} {why}")

    def learn(
        self,
        service: str,
        operation: str,
        params: Mapping[str, Any],
        answer: Mapping[str, Any],
        *,
        refused: bool = False,
    ) -> None:
        """Remember what an answer shows: ids of the run's, and of others."""
        name = f"{service}:{operation}"
        if not refused and not is_read(operation):
            path = _CREATED.get(name) or (CREATES[name].id_path if name in CREATES else ())
            self.own(values_at(answer, path) if path else ())
        if not is_read(operation):  # it was sent, so it concerns the run
            self.own(strings([answer.get("OperationId"), answer.get("DuplicateOperationId")]))
        if not refused:
            self.own(self._own_in(service, operation, params, answer))
        shown = {token for text in _shown(answer) for token in RANDOM.findall(text)}
        if refused:  # it repeats the ids of the request
            shown -= {token for text in strings(params) for token in RANDOM.findall(text)}
        self._foreign |= shown - self._owned

    @staticmethod
    def _keys(resource: Named) -> set[str]:
        """Return how permits may name a resource: as the call does, or as CLUSTER/SERVICE."""
        cluster = cluster_in(resource.value)
        path = resource.value.split("/")
        return {
            resource.value,
            f"{cluster}/{path[2]}" if cluster else f"{resource.cluster}/{resource.value}",
        }

    def _reason(self, resource: Named) -> str | None:
        """Return why a call about a resource is not sent; None if it may be."""
        value, is_arn = resource.value, resource.value.startswith("arn:")
        cluster = cluster_in(value) if is_arn else resource.cluster if _is_plain(value) else ""
        if (cluster and self._owns(cluster)) or value in self._roles:
            return None
        is_place = resource.kind == "place"
        if is_place and value in self._places:
            return None
        if resource.kind == "id" or (is_place and RANDOM.fullmatch(value)) or (is_arn and is_random(value)):
            # An id in any part of the value: Route 53 takes the last part of a path, for example.
            if not self._are_of_others(value):
                return None
            self._read_ledgers()
            self._own_related(value)
            return "belongs to others: an answer has shown it" if self._are_of_others(value) else None
        if not _NAME.fullmatch(value) or self._owns(value):
            return None
        return f"may belong to others: it has no {self.prefix} in its name"

    def _are_of_others(self, value: str) -> bool:
        return not self._foreign.isdisjoint({*RANDOM.findall(value), last_part(value)} - self._owned)

    def _owns(self, value: str) -> bool:
        return self._mark.search(value) is not None or value in self._owned or last_part(value) in self._owned

    def _read_ledgers(self) -> None:
        """Count what the other workers of the run created as the run's too."""
        for path in ledgers_in(self._folder) if self._folder else ():
            contents = read_ledger(path)
            self.own(identifier for resource in contents.existing for identifier in resource.ids)
            self.own(shared.id for shared in contents.shared)

    def _own_related(self, value: str) -> None:
        """Count as the run's what is inside something of the run, such as the main route table of its VPC.

        When the answer showed it, this worker did not know that another one had created the VPC.
        """
        for token in {*RANDOM.findall(value), last_part(value)}:
            if any(self._owns(related) for related in self._related.get(token, ())):
                self.own([token])

    def _own_in(
        self, service: str, operation: str, params: Mapping[str, Any], answer: Mapping[str, Any]
    ) -> Iterator[str]:
        """Yield the ids in an answer that are the run's."""
        asked = [text for text in strings(params) if self._owns(text)]
        others = {token for text in strings(params) for token in RANDOM.findall(text)} & (self._foreign - self._owned)
        about_own = bool(asked) and not others
        if service == "servicediscovery" and operation in ("GetOperation", "ListOperations"):
            operation_id = params.get("OperationId")
            if isinstance(operation_id, str) and self._owns(operation_id):
                yield from strings(answer.get("Operation", {}).get("Targets"))
        elif service == "ecs" and operation == "ListTasks" and self._names_own_tasks(params):
            yield from strings(answer.get("taskArns"))
        elif service == "route53" and operation == "ListResourceRecordSets" and about_own:
            yield from (str(record.get("HealthCheckId", "")) for record in answer.get("ResourceRecordSets", ()))
        elif service == "ecs" and operation == "DescribeTasks" and "ecs:StopTask" in self._permitted:
            self._permitted["ecs:StopTask"] |= set(_tasks_of(answer, self._permitted["ecs:StopTask"]))
        inherits = service == "servicediscovery" and about_own
        for entry, member in _entries(answer, ENTRIES.get(service, {})):
            identifiers = _identifiers(service, member, entry)
            if inherits or self._is_marked(entry):
                yield from identifiers
            else:
                related = tuple(value for value in entry.values() if isinstance(value, str) and RANDOM.search(value))
                self._related.update((last_part(identifier), related) for identifier in identifiers)

    def _names_own_tasks(self, params: Mapping[str, Any]) -> bool:
        chosen = (params.get(member) for member in ("serviceName", "family", "startedBy"))
        return any(self._mark.search(value) for value in chosen if isinstance(value, str))

    def _is_marked(self, entry: Mapping[str, Any]) -> bool:
        """Return whether the description of a resource has a mark of the run, or names another one of the run's."""
        if any(self._owns(value) for value in entry.values() if isinstance(value, str) and value):
            return True
        tags = [tag for key in ("Tags", "tags") for tag in entry.get(key) or () if isinstance(tag, Mapping)]
        pairs = {(tag.get("Key", tag.get("key")), tag.get("Value", tag.get("value"))) for tag in tags}
        return self._run is not None and (TAG, self._run) in pairs


def _is_plain(value: str) -> bool:
    """Return whether a value is a name or an id, and no path; ids of task sets are the exception."""
    return "/" not in value.removeprefix("ecs-svc/")


def _changes_the_account(name: str, service: str, named: tuple[Named, ...] | None) -> bool:
    """Return whether a call changes what has no name: settings of the account, or the caller's own user.

    `named`: what its parameters name. A service refuses a call without a name, where the name is required.
    """
    if named is None or service == "ec2":
        return not named and name not in CREATES
    return not named and service == "iam"


def _entries(value: Any, members: Mapping[str, str]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield each description of a resource in an answer, with the member that identifies it."""
    if isinstance(value, list):
        for element in value:
            yield from _entries(element, members)
    elif isinstance(value, Mapping):
        for name, inside in value.items():
            if name in members:
                for entry in inside if isinstance(inside, list) else [inside]:
                    if isinstance(entry, Mapping):
                        yield entry, members[name]
            yield from _entries(inside, members)


def _tasks_of(answer: Mapping[str, Any], services: Collection[str]) -> Iterator[str]:
    """Yield ARN and CLUSTER/ID of the tasks in an answer of DescribeTasks that belong to one of the services."""
    for task in answer.get("tasks", ()):
        arn, group = str(task.get("taskArn")), str(task.get("group"))
        cluster = cluster_in(arn)
        if f"{cluster}/{group.removeprefix('service:')}" in services:
            yield from (arn, f"{cluster}/{last_part(arn)}")


def _identifiers(service: str, member: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids in the description of a resource: its own, and those of what it consists of."""
    parts = _zones(entry) if service == "servicediscovery" else _registries(entry) if member == "serviceArn" else ()
    return (*strings([entry.get(member), entry.get("Arn")]), *parts)


def _zones(namespace: Mapping[str, Any]) -> Iterator[str]:
    """Yield the hosted zone in the description of a namespace."""
    properties = namespace.get("Properties")
    dns = properties.get("DnsProperties") if isinstance(properties, Mapping) else None
    yield from strings(dns.get("HostedZoneId") if isinstance(dns, Mapping) else None)


def _registries(service: Mapping[str, Any]) -> Iterator[str]:
    """Yield the Cloud Map services that Service Connect made for an ECS service, by its description."""
    for deployment in service.get("deployments") or ():
        for resource in deployment.get("serviceConnectResources") or ():
            yield from strings(resource.get("discoveryArn"))


def _shown(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of an answer; `failures` repeat ids of the request, and the metadata has ids of requests."""
    skipped: Callable[[str], bool] = {"failures", "ResponseMetadata", "unprocessedTaskDefinitions"}.__contains__
    yield from (text for name, value in answer.items() if not skipped(name) for text in strings(value))
