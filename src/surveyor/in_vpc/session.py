"""Run one command inside a VPC: start its task, take part in what it says until it has ended, leave nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from botocore.exceptions import ClientError
from msgspec.structs import replace as replace_struct

from surveyor.account.failed_calls import describe_failed_call
from surveyor.account.ledger import Ledger, Owner
from surveyor.account.run_ids import COMMAND, ENCLOSING, new_run
from surveyor.errors import CredentialsEnded, SurveyorError, TargetUnavailable, UsageError
from surveyor.in_vpc.commands import InnerCommand
from surveyor.in_vpc.conversation import SILENCE, Conversation, MailboxPlace
from surveyor.in_vpc.copies import Copies, Screen
from surveyor.in_vpc.packing import pack
from surveyor.in_vpc.recovery import FOLDER, LEDGER, STATE, close_inner_runs, recover, stop
from surveyor.in_vpc.target_there import expectations_there, target_file_there, target_words
from surveyor.input_files import REPORT_LIMIT, is_file, read_text
from surveyor.layout import Layout
from surveyor.output_files import append_text, write_text
from surveyor.targets.model import Target
from surveyor.targets.running import RunningTarget, reach_target
from surveyor.targets.sweep import close_run, existing_resources, not_searched
from surveyor.terminal import MARKED_ERRORS
from surveyor.typed_json import write_json
from surveyor.vantage.groups import create_groups
from surveyor.vantage.mailbox import Mailbox, create_bucket
from surveyor.vantage.places import choose_place
from surveyor.vantage.task import TaskProgram, VantageTask, key_of, start_task, why_ended
from surveyor_agents import remote_command as program

__all__ = ["IMAGE", "InVpcOptions", "run_in_vpc"]

IMAGE = "public.ecr.aws/docker/library/python:3.13-slim"
"""An image with pip and glibc: wheels of all pinned packages exist for it."""

_PYTHON = "3.13.0"
_LEAST_PYTHON = (3, 11)
_TITLE = "the task of the command"
_WAY_OUT = (
    "the task needs a way to the image's registry, to S3 and to the package registry: name subnets whose route table "
    "leads to an internet gateway or a NAT gateway, or an --image with the packages"
)
_ROLE_HINT = "; `surveyor policy in-vpc` prints the trust policy and the permissions of the role, and who may pass it"
_PATIENCE = 120
"""Seconds between SIGTERM and SIGKILL when the task is stopped: the most that Fargate allows
(ecs/ContainerDefinition.stopTimeout)."""

_PART = 2 * 1024 * 1024
"""Bytes of one object with a part of the archive."""

_PAUSES = (0.1, 1.0, 1.3)
"""Service seconds between two looks for a message: the first, the longest, and the factor between."""

_LOOKS_EVERY = 10.0
"""Service seconds between two looks at the task while it says nothing."""

_KILLED = 128
"""A command that ended by a signal has an exit code of this and the signal."""

_ENDED_BY = (_KILLED + signal.SIGINT, _KILLED + signal.SIGPIPE)
"""Exit codes of Surveyor itself, after its clean-up."""

_MAX_SIGNALS = 3
"""Signals after which the command is not waited for any more: its task is stopped."""


class Console(Protocol):
    """Where the run says what happens beside what its command prints."""

    def report(self, line: str) -> None:
        """Print a line about the task."""

    def waiting(self, what: str) -> AbstractContextManager[None]:
        """Say how long something takes while the block runs."""


@dataclass(frozen=True)
class InVpcOptions:
    """The task: its role and image, its size in vCPU, security groups beside those of the run, a folder of wheels.

    `dns` as on the command line. `undo` ends faults by an undo log that was copied out, and returns lines about it.
    """

    role: str
    image: str = IMAGE
    cpus: int = 1
    groups: tuple[str, ...] = ()
    wheels: Path | None = None
    dns: str | None = None
    undo: Callable[[Path], list[str]] = lambda _: []


@dataclass
class _Signals:
    """The signals that this process got; `_MAX_SIGNALS` of them end the wait."""

    count: int = 0
    waiting: tuple[int, ...] = ()

    def take(self) -> tuple[int, ...]:
        """Return those that were not passed on."""
        taken, self.waiting = self.waiting, ()
        return taken


def run_in_vpc(
    target: Target,
    name: str,
    command: InnerCommand,
    options: InVpcOptions,
    layout: Layout,
    folder: Path,
    console: Console,
) -> int:
    """Run a command in a task inside a VPC, and return its exit code. `name`: of the target, as on the command line.

    `folder`: of the report. Raises UsageError for what cannot be run, and TargetUnavailable if the task does not start
    or is lost; what was created is deleted then, or named.
    """
    archive = _pack(target, command, options, layout, _PYTHON, {})  # what cannot be packed is said before any call
    run = new_run()
    owner = Owner(run, name, target.account or "", target.region, target.endpoint, options.dns,
                  profile=target.credentials.profile)  # fmt: skip
    own = folder / FOLDER
    ledger = Ledger(own / LEDGER, owner)

    def clean_up() -> str:
        with console.waiting("stopping the task, and deleting what the command made"):
            return _after_loss(folder, owner, target, ledger, options)

    try:
        with reach_target(target, 7, ledger) as running:
            session = _Session(running, target, command, options, layout, folder, run, console)
            code = session.run(archive)
        if code >= _KILLED and code not in _ENDED_BY:  # it could delete nothing
            console.report(f"the command was killed by signal {code - _KILLED}: {clean_up()}")
    except CredentialsEnded as error:
        ends = f"without them the command ends after {SILENCE / 60:g} minutes, and cleans up"
        raise CredentialsEnded(f"{error}; {ends}; {clean_up()}", error.code) from None
    except TargetUnavailable as error:
        raise TargetUnavailable(f"{error}; {clean_up()}") from None
    except BaseException:  # Ctrl-C, too: nothing may be left
        clean_up()
        raise
    finally:
        ledger.close()
    with console.waiting("deleting the task and its mailbox"):
        _close(own, owner, target)
    for output in command.outputs:
        if is_file(folder / output.inside):
            text = read_text(folder / output.inside, REPORT_LIMIT)
            (append_text if output.appended else write_text)(output.path, text)
    if existing := existing_resources(own):
        raise TargetUnavailable(f"left behind: {', '.join(map(str, existing))}; `surveyor sweep {folder}` deletes it")
    return code


class _Session:
    """One command in its task."""

    def __init__(
        self, running: RunningTarget, target: Target, command: InnerCommand, options: InVpcOptions, layout: Layout,
        folder: Path, run: str, console: Console,
    ) -> None:  # fmt: skip
        self._running, self._target, self._command, self._options = running, target, command, options
        self._layout, self._folder, self._run, self._console = layout, folder, run, console
        self._place = MailboxPlace("", "", "")

    def run(self, archive: bytes) -> int:
        """Start the task, and return the exit code of the command."""
        clock = self._running.clock
        began = clock.now()
        with self._console.waiting("starting the task"):
            task, groups, vpc, mailbox = self._start()
        version = tuple(int(part) for part in task.python.split(".")[:2] if part.isdecimal())
        if version < _LEAST_PYTHON:
            raise UsageError(f"--image {self._options.image} has Python {task.python}; expected 3.11 or later")
        self._console.report(
            f"{self._command.name} runs in {vpc} ({task.address}), with the role {self._options.role}: started in "
            f"{clock.now() - began:.0f} s; nothing reaches it from outside"
        )
        archive = _pack(self._target, self._command, self._options, self._layout, task.python, groups) or archive
        job = self._job(mailbox, archive, task, vpc)
        conversation = Conversation(self._running.clock, mailbox, self._place)
        conversation.post(job=job)
        with _noted_signals() as signals:
            return self._follow(conversation, task, signals)

    def _start(self) -> tuple[VantageTask, Mapping[str, str], str, Mailbox]:
        """Create bucket and groups, and start the task. Raises UsageError, TargetUnavailable."""
        running, target, options = self._running, self._target, self._options
        running.clients.permit(["ecs:RegisterTaskDefinition", "ecs:RunTask"], options.role, *options.groups)
        try:
            place = choose_place(running.clients.client("ec2", target.account or ""), target.from_vpc or ())
            if place is None:
                raise UsageError(
                    f"--from-vpc: account {target.account} has no default VPC in {target.region}: name subnets, "
                    "--from-vpc SUBNET,…"
                )
            groups = create_groups(running, self._run, place.vpc)
            mailbox = Mailbox(running, create_bucket(running, self._run))
            session = f"{place.vpc}-{FOLDER}"
            self._place = MailboxPlace(mailbox.bucket, session, key_of(session).hex())
            self._save(0)
            task = start_task(running, mailbox, place, session, self._run, groups, self._program())
        except ClientError as error:
            why = describe_failed_call(error.operation_name, error.response)
            raise TargetUnavailable(f"{_TITLE} cannot start: {why}") from None
        except TargetUnavailable as error:
            is_about_role = "assume the role" in str(error) or "PassRole" in str(error)
            raise TargetUnavailable(f"{error}{_ROLE_HINT if is_about_role else ''}") from None
        return task, groups, place.vpc, mailbox

    def _program(self) -> TaskProgram:
        options = self._options
        return TaskProgram(
            program.command, program.ENDINGS, SILENCE, name=COMMAND, title=_TITLE, image=options.image,
            cpu=str(options.cpus * 1_024), memory=str(options.cpus * 2_048), role=options.role, groups=options.groups,
            patience=_PATIENCE, way_out=_WAY_OUT,
        )  # fmt: skip

    def _job(self, mailbox: Mailbox, archive: bytes, task: VantageTask, vpc: str) -> dict[str, Any]:
        """Put the archive into the mailbox, and return what the task must know."""
        keys = list[str]()
        for at in range(0, len(archive), _PART):
            keys.append(f"{task.session}/job/{len(keys)}")
            mailbox.put(keys[-1], archive[at : at + _PART])
        words = target_words(self._target, self._command, self._options.dns or f"{task.resolver}:53", vpc)
        environment = {
            MARKED_ERRORS: "1", "NO_COLOR": "1", "TERM": "dumb", "AWS_EC2_METADATA_DISABLED": "true",
            "COLUMNS": str(shutil.get_terminal_size().columns), ENCLOSING: self._run,
        }  # fmt: skip
        if self._target.is_local and (token := os.environ.get("SURVEYOR_TOKEN")):
            environment["SURVEYOR_TOKEN"] = token  # of an emulator, in whose bucket it is then
        return {
            "archive": [mailbox.url("GET", key) for key in keys],
            "sha256": hashlib.sha256(archive).hexdigest(),
            "argv": ["-m", "surveyor", self._command.name, *words, *self._command.words],
            "environment": environment,
        }

    def _follow(self, conversation: Conversation, task: VantageTask, signals: _Signals) -> int:
        """Copy and print what arrives until the command has ended; return its exit code."""
        clock, copies, screen = self._running.clock, Copies(self._folder), Screen(self._folder)
        pause = _PAUSES[0]
        looked, ended = clock.now(), ""
        try:
            while True:
                parts = conversation.receive()
                if parts is not None:
                    code = self._take(parts, copies, screen, signals)
                    self._save(conversation.read)
                    if code is not None:
                        conversation.post()
                        return code
                    pause, looked = _PAUSES[0], clock.now()
                elif ended:
                    raise TargetUnavailable(f"{_TITLE} ended before the command did: {ended}")
                elif clock.now() - looked > _LOOKS_EVERY:
                    looked = clock.now()
                    ended = why_ended(self._running, task, self._program()) or ""
                if signals.count >= _MAX_SIGNALS:
                    raise TargetUnavailable("interrupted again: the command is not waited for any more")
                if waiting := signals.take():
                    self._console.report("interrupted: waiting for the clean-up of the command")
                if not conversation.keep_up(waiting) and waiting:
                    signals.waiting = (*waiting, *signals.waiting)
                if parts is None:
                    clock.wait(pause)
                    pause = min(pause * _PAUSES[2], _PAUSES[1])
        finally:
            copies.close()
            screen.close()

    def _take(self, parts: list[dict[str, Any]], copies: Copies, screen: Screen, signals: _Signals) -> int | None:
        """Handle the parts of a message; return the exit code of the command if it has ended."""
        code = None
        for part in parts:
            if "stream" in part:
                try:
                    screen.write(2 if part["stream"] == 2 else 1, part["data"])
                except KeyboardInterrupt:  # standard output was closed: the command ends as if it ran here
                    signals.waiting = (*signals.waiting, signal.SIGINT)
            elif "file" in part:
                copies.write(str(part["file"]), int(part["at"]), part["data"])
            elif "state" in part:
                self._console.report(str(part["state"]))
            elif "folder" in part:
                screen.set_folder(str(part["folder"]))
            elif "problem" in part:
                raise TargetUnavailable(f"{_TITLE} cannot run it: {part['problem']}; {_WAY_OUT}")
            elif "ended" in part:
                if differing := copies.compare(part["digests"]):
                    raise TargetUnavailable(f"{', '.join(differing)} in {self._folder} is not as the command wrote it")
                code = int(part["ended"])
        return code

    def _save(self, read: int) -> None:
        """Write what a sweep must know of the mailbox, for this user only: the key of the messages is in it."""
        own = self._folder / FOLDER
        own.chmod(0o700)
        write_json(replace_struct(self._place, read=read), own / STATE)


def _pack(
    target: Target, command: InnerCommand, options: InVpcOptions, layout: Layout, python: str, groups: Mapping[str, str]
) -> bytes:
    overlay = {**target_file_there(target, groups), **expectations_there(target, layout)}
    return pack(layout, python, overlay, command.files, options.wheels)


def _after_loss(folder: Path, owner: Owner, target: Target, ledger: Ledger, options: InVpcOptions) -> str:
    """Stop the task, complete the command's ledgers, undo and delete what it made; return what is left in words."""
    ledger.close()
    own = folder / FOLDER
    if not existing_resources(own):
        return "nothing was created" if not ledger.count else "nothing is left"
    outside = replace(target, from_vpc=None)
    problems: list[str] = []
    try:
        with reach_target(outside, 0) as running:
            stop(own, owner, running)
            if is_file(own / STATE):
                recover(own, running)
        for undo_log in sorted(folder.rglob("undo-*.jsonl")):
            options.undo(undo_log)
        left = close_inner_runs(folder, outside)
        _close(own, owner, target)
        left += [str(resource) for resource in existing_resources(own)]
    except (SurveyorError, ClientError) as error:
        problems, left = [" ".join(str(error).split())], []
    if problems or left:
        return f"left behind: {', '.join([*left, *problems])}; `surveyor sweep {folder}` deletes it"
    return "nothing is left"


def _close(own: Path, owner: Owner, target: Target) -> None:
    """Delete task, bucket and groups."""
    close_run(own, owner, replace(target, from_vpc=None), reach_target, not_searched(target, "in-vpc"))
    if not existing_resources(own):
        (own / STATE).unlink(missing_ok=True)


@contextmanager
def _noted_signals() -> Iterator[_Signals]:
    """Note signals that end a command, in place of the interruption of this process."""
    noted = _Signals()

    def note(number: int, frame: FrameType | None) -> None:
        noted.count += 1
        noted.waiting = (*noted.waiting, number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, note)
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
