"""Delete what runs left behind, by their ledgers or by their marks in an account, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from botocore.exceptions import ClientError

from surveyor.account.budget import SPENT_FILE
from surveyor.account.failed_calls import describe_failed_call
from surveyor.account.fargate_tasks import TASKS_FILE
from surveyor.account.ledger import Ledger, Owner, Resource, ledgers_in, read_ledger
from surveyor.account.marked import SEARCHED, Marked, find_marked
from surveyor.account.needed_calls import made_services
from surveyor.account.refusals import describe_denial, reason_in_short
from surveyor.account.removal import Account, delete_resources
from surveyor.account.removal.creations import STILL_CREATING, creations_in_progress, wait_for_creations
from surveyor.account.removal.ecs import delete_clusters
from surveyor.errors import SurveyorError, UsageError
from surveyor.targets.model import Target

__all__ = [
    "CONSUMER_FOLDER",
    "Leftovers",
    "RunStillActive",
    "close_run",
    "existing_resources",
    "find_leftovers",
    "forget",
    "leftovers_of_all",
    "not_searched",
    "owner_of",
    "set_ledgers_aside",
    "sweep_folder",
    "sweep_marked",
]


class RunStillActive(SurveyorError):
    """The run whose resources were to be deleted has not ended."""


class ReachedTarget(Protocol):
    """A target that can be called."""

    def account(self, run: str) -> Account:
        """Return the account for the clean-up of a run."""


CONSUMER_FOLDER = "consumer"
"""The folder beside the ledgers of a run with those of its second account."""

_ASIDE = "ledgers-of-"
"""Begins the name of a folder with the ledgers of a run that was resumed."""

Reach = Callable[[Target, int], AbstractContextManager[ReachedTarget]]
"""Reach a target, with a seed, and check its account: surveyor.targets.running.reach_target."""


def existing_resources(folder: Path) -> list[Resource]:
    """Return what still exists by the ledgers of a run. Raises MalformedLedger."""
    return [resource for path in ledgers_in(folder) for resource in read_ledger(path).existing]


def owner_of(folder: Path) -> Owner | None:
    """Return the owner of the ledgers; None if there are none, or nothing was written. Raises MalformedLedger."""
    return next((contents.owner for path in ledgers_in(folder) if (contents := read_ledger(path)).owner), None)


def forget(folder: Path, *, anyway: bool, run: str = "") -> None:
    """Delete the ledgers of an earlier run in `folder`, also those set aside, and keep those of `run`.

    Raises UsageError if resources still exist by them, unless `anyway`: the resources ended with the target.
    """
    own = {path for path in ledgers_in(folder) if _is_of(path, run)}
    existing = [] if anyway else leftovers_of_all(folder, own)
    if existing:
        raise UsageError(
            f"{folder} holds the ledgers of a run that left {len(existing)} resource{'s' if len(existing) > 1 else ''} "
            f"behind: delete them with `surveyor sweep {folder}`, or choose another --out"
        )
    spent = () if own else (*folder.rglob(SPENT_FILE), *folder.rglob(TASKS_FILE))
    for path in {*folder.rglob("ledger-*.jsonl"), *spent} - own:
        path.unlink()


def set_ledgers_aside(folder: Path, run: str = "") -> None:
    """Move the ledgers by which resources still exist to a folder for their run below `folder`; delete the others.

    Those of `run` stay where they are.
    """
    own = {path for path in ledgers_in(folder) if _is_of(path, run)}
    if not own:
        (folder / TASKS_FILE).unlink(missing_ok=True)  # what it counts is deleted before more is created
    for path in (*ledgers_in(folder), *ledgers_in(folder / CONSUMER_FOLDER)):
        if path in own:
            continue
        contents = read_ledger(path)
        if contents.existing and contents.owner:
            aside = folder / f"{_ASIDE}{contents.owner.run}" / path.relative_to(folder).parent
            aside.mkdir(parents=True, exist_ok=True)
            path.rename(aside / path.name)
        else:
            path.unlink()


def leftovers_of_all(folder: Path, but: Collection[Path] = ()) -> list[Resource]:
    """Return what still exists by the ledgers of a run, and of the runs that it resumed, without the ledgers `but`."""
    own = (folder, *folder.glob(f"{_ASIDE}*"))
    folders = [place for ledgers in own for place in (ledgers, ledgers / CONSUMER_FOLDER)]
    paths = (path for ledgers in folders for path in ledgers_in(ledgers) if path not in but)
    return [resource for path in paths for resource in read_ledger(path).existing]


def _is_of(ledger: Path, run: str) -> bool:
    owner = read_ledger(ledger).owner if run else None
    return owner is not None and owner.run == run


def close_run(folder: Path, owner: Owner, target: Target, reach: Reach, without: Collection[str]) -> Mapping[str, str]:
    """Delete what a run has by its ledgers, and then what has its marks and is in no ledger, as what ECS makes itself.

    Returns where the search for the latter failed: service -> why. `without`: services that are not searched. Raises
    TargetUnavailable as `reach` does. What remains is in a ledger.
    """
    sweep_folder(folder, target, reach)
    count, failed = _adopt_leftovers(folder, owner, target, reach, without)
    if count:
        sweep_folder(folder, target, reach)
    return failed


def sweep_folder(
    folder: Path, target: Target, reach: Reach, report: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Delete what exists by the ledgers in `folder`, and return a line for each resource that is left.

    Raises RunStillActive while the run has not ended, MalformedLedger, and TargetUnavailable as `reach` does.
    """
    owner = owner_of(folder)
    if owner is None or not existing_resources(folder):
        return []
    with ExitStack() as stack:
        ledgers = [Ledger(path, owner) for path in ledgers_in(folder)]
        for ledger in ledgers:
            stack.callback(ledger.close)
            if not ledger.acquire(wait=False):
                raise RunStillActive(f"run {owner.run} is still active (process {owner.process} on {owner.host})")
        account = stack.enter_context(reach(target, 0)).account(owner.run)
        existing = {resource: ledger for ledger in ledgers for resource in read_ledger(ledger.path).existing}
        report(f"run {owner.run}: {len(existing)} resources by its ledgers; deleting those that still exist")
        result = delete_resources(list(existing), account)
        for resource in result.deleted:
            existing[resource].record_removed(resource.number)
            report(f"deleted: {resource}")
        for resource, why in result.remaining.items():
            existing[resource].record_remaining(resource.number, reason_in_short(why))
        late = _delete_late_namespaces([resource for resource in result.deleted if resource.kind == "cluster"], account)
        return [*(f"{resource}: {describe_denial(why)}" for resource, why in result.remaining.items()), *late]


def _delete_late_namespaces(clusters: Collection[Resource], account: Account) -> list[str]:
    """Delete the default namespaces of clusters that were still being created; return a line for each that is left."""
    left = []
    for region in {cluster.region for cluster in clusters}:
        names = [cluster.ids[0] for cluster in clusters if cluster.ids and cluster.region == region]
        try:
            if creations := creations_in_progress(account, region):
                late = wait_for_creations(account, region, creations)
                left += [f"operation {each}: {STILL_CREATING}" for each in sorted(late)]
                problems = delete_clusters(account, region, names)
                left += [f"{name}: {describe_denial(why)}" for name, why in problems.items()]
        except ClientError as error:
            why = describe_failed_call(error.operation_name, error.response)
            left.append(f"default namespaces of clusters, if any were being created: {why}")
    return left


@dataclass(frozen=True)
class Leftovers:
    """What one run has in an account and Region."""

    run: str
    found: tuple[Marked, ...]

    @property
    def newest(self) -> datetime | None:
        """When the latest of them was made; None if the API does not say it of any."""
        return max((marked.created for marked in self.found if marked.created), default=None)

    def __str__(self) -> str:
        count, namespaces = len(self.found), sum(marked.is_namespace for marked in self.found)
        inside = f", with what is in {namespaces} namespace{'' if namespaces == 1 else 's'}" if namespaces else ""
        return f"run {self.run}: {count} resource{'' if count == 1 else 's'}{inside}"


def find_leftovers(
    account: Account, region: str, *, without: Collection[str] = ()
) -> tuple[list[Leftovers], Mapping[str, str]]:
    """Return what each run has in a Region, by its marks alone; and where the search failed: service -> why.

    `without`: services that are not searched.
    """
    runs: dict[str, list[Marked]] = {}
    search = find_marked(account.client, region, without=without)
    for marked in search.found:
        runs.setdefault(marked.run, []).append(marked)
    return [Leftovers(run, tuple(found)) for run, found in runs.items()], search.failed


def not_searched(target: Target, command: str = "conform", *, service: bool = False) -> frozenset[str]:
    """Return the services that are not searched at the end of a run of a command: those of which it has made nothing.

    It needs no permission to list users, roles and rules then, and alarms of an account may watch who asks. `service`:
    the run is about a service of the user's, and makes nothing.
    """
    if service:
        return SEARCHED
    if (made := made_services(command, target.features or ())) is not None:
        return SEARCHED.difference(made)
    makers = {"iam": "principals", "route53resolver": "resolver"}
    return frozenset(service for service, feature in makers.items() if feature not in (target.features or ()))


def _adopt_leftovers(
    folder: Path, owner: Owner, target: Target, reach: Reach, without: Collection[str]
) -> tuple[int, Mapping[str, str]]:
    """Return how many resources a run still has by its marks, and where the search failed: service -> why.

    Those that are in no ledger are written into a separate one. Raises TargetUnavailable as `reach` does.
    """
    with reach(target, 0) as reached:
        leftovers, failed = find_leftovers(reached.account(owner.run), owner.region, without=without)
    found = [marked for leftover in leftovers if leftover.run == owner.run for marked in leftover.found]
    known = {(resource.kind, resource.ids) for resource in existing_resources(folder) if resource.ids}
    unknown = [resource for marked in found if ((resource := marked.resource()).kind, resource.ids) not in known]
    if unknown:
        ledger = Ledger(folder / "ledger-closing.jsonl", owner)
        ledger.acquire(wait=True)
        for resource in unknown:
            ledger.adopt(resource)
        ledger.close()
    return len(found), failed


def sweep_marked(leftovers: Leftovers, account: Account, report: Callable[[str], None] = lambda _: None) -> list[str]:
    """Delete what a run has, by its marks, and return a line for each resource that is left."""
    names = {marked.resource(): marked for marked in leftovers.found}
    result = delete_resources(list(names), account)
    for resource in result.deleted:
        report(f"deleted: {names[resource]}")
    return [f"{names[resource]}: {describe_denial(why)}" for resource, why in result.remaining.items()]
