"""What a command inside a VPC leaves when it, or the run that waits for it, was killed: its task, and what it made.

The task is stopped, which lets the command clean up for two minutes. What it put into the mailbox after the last
message that was read is then copied here, so that its ledgers are complete, and everything can be deleted by them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from surveyor.account.ledger import Ledger, Owner
from surveyor.account.removal.ecs import find_task, stop_and_wait
from surveyor.errors import SurveyorError
from surveyor.in_vpc.conversation import Conversation, MailboxPlace
from surveyor.in_vpc.copies import Copies
from surveyor.input_files import is_file
from surveyor.targets.model import Target
from surveyor.targets.running import RunningTarget, reach_target
from surveyor.targets.sweep import close_run, existing_resources, not_searched, owner_of
from surveyor.typed_json import read_json, write_json
from surveyor.vantage.mailbox import Mailbox

__all__ = ["FOLDER", "LEDGER", "STATE", "close_inner_runs", "enclosing", "recover", "recover_all", "stop"]

FOLDER = "in-vpc"
"""The folder, in that of the report, with the ledger of the task and the state of its mailbox."""

LEDGER, STATE = "ledger-task.jsonl", "mailbox.json"

_MAX_LATE = 200
"""Messages that are read at the end: more than may be on the way."""


def enclosing(folder: Path) -> Path | None:
    """Return the folder of the task for ledgers that were copied out of it; None for other ledgers."""
    places = (parent / FOLDER for parent in (folder, *folder.parents))
    return next((place for place in places if place != folder and is_file(place / LEDGER)), None)


def recover_all(folders: Iterable[Path], load: Callable[[Owner], Target]) -> dict[Path, str]:
    """Stop the tasks of runs that were killed, and copy out what is in their mailboxes; return where that failed, why.

    `folders`: those with ledgers; `load` returns the target of an owner.
    """
    problems = {}
    for folder in folders:
        owner = owner_of(folder) if folder.name == FOLDER and is_file(folder / STATE) else None
        if owner is None or not existing_resources(folder):
            continue
        ledger = Ledger(folder / LEDGER, owner)
        if not ledger.acquire(wait=False):
            continue  # the run is in progress, as whatever deletes it will say
        try:
            with reach_target(load(owner), 0) as running:
                stop(folder, owner, running)
                recover(folder, running)
        except SurveyorError as error:
            problems[folder] = f"run {owner.run}: {error}"
        finally:
            ledger.close()
    return problems


def stop(folder: Path, owner: Owner, running: RunningTarget) -> None:
    """Stop the task of a command, and wait until it has stopped."""
    account = running.account(owner.run)
    started = [resource for resource in existing_resources(folder) if resource.operation == "ecs:RunTask"]
    arns = [arn for resource in started for arn in find_task(account, resource)]
    if not arns:
        return
    assert account.ownership is not None, "an account that outlives the run"
    account.ownership.own(arns)
    if problems := stop_and_wait(account, owner.region, arns):
        raise SurveyorError(f"its task cannot be stopped: {'; '.join(problems.values())}")


def recover(folder: Path, running: RunningTarget) -> None:
    """Copy the files in the messages that were not read, without what was printed."""
    place = read_json(folder / STATE, MailboxPlace)
    conversation = Conversation(running.clock, Mailbox(running, place.bucket), place)
    copies = Copies(folder.parent)
    try:
        for _ in range(_MAX_LATE):
            parts = conversation.receive()
            if parts is None:
                break
            for part in parts:
                if "file" in part:
                    copies.write(str(part["file"]), int(part["at"]), part["data"])
    finally:
        copies.close()
    write_json(MailboxPlace(place.bucket, place.session, place.key, conversation.read), folder / STATE)


def close_inner_runs(folder: Path, target: Target) -> list[str]:
    """Delete what the runs of a command made, by the ledgers that were copied to a folder; return what is left."""
    left = []
    for place in sorted({path.parent for path in folder.rglob("ledger-*.jsonl")}):
        owner = owner_of(place)
        if place.name == FOLDER or owner is None:
            continue
        close_run(place, owner, target, reach_target, not_searched(target))  # it may be a run of any command
        left += [str(resource) for resource in existing_resources(place)]
    return left
