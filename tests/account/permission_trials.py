"""Take each action from the policy of a command, run what uses it, and print a table of what the command said.

`python -m tests.account.permission_trials [COMMAND…] [--only ACTION,…] [--again] [--log FILE]`: the trials that the
log does not show as expected yet, three at a time, on the profile `staging`; then the table of all in it. `--table`
prints that alone. As expected is what names the action, and has no failed claim and no traceback.

Actions of usual runs are tried with a run of the command, those of clean-ups by a sweep with the policy of the command.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from subprocess import SubprocessError

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from surveyor.account.needed_calls import made_services, needed_operations
from surveyor.account.permissions import required_actions
from surveyor.account.scopes import Place
from surveyor.clock import WallClock
from surveyor.conformance.least_privilege import (
    ACCOUNT,
    NOT_ASKED,
    PolicyAccount,
    Trial,
    policy_account,
    usual_words,
    why_not_asked,
)
from surveyor.layout import find_layout
from surveyor.targets.control import Control
from surveyor_policies.dependent import DEPENDENT
from tests.account.leftover_kinds import BY_LEDGER, BY_SEARCH, REGION, STAYS, Maker, kind_for
from tests.account.shop import Shop, with_balancer, with_networks

__all__ = ["COMMANDS", "Outcome", "Trials", "actions_of", "clean_up_trial"]

COMMANDS = ("sweep", "chaos", "load", "audit", "watch", "advise", "model", "recordings")
"""Those that can be tried here; `surveyor policy conform --check` tries that one, and tests of the gate its four."""

AT_ONCE = 3
SERVICE = "store/web"
_RUNS = count(0xABD00000 + int(time.time()) % 0xFFFFF)

LOG = find_layout().out / "permission-trials.jsonl"

_OWN_SCENARIO = """\
from surveyor.chaos import ServiceSetup
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

CANARY = {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 10},
          "bakeTimeInMinutes": 0}
SCENARIO = Scenario("broken", "A canary of a broken revision.",
                    ServiceSetup(count=2, resolve_by="connect", deployment=CANARY),
                    phases=(Phase("before", 10), Phase("broken", 60, fault="service.deploy-broken")),
                    clients=("service-connect",))
globals().update(play(SCENARIO))
"""
"""A scenario with the fault whose undoing reads and stops deployments."""

_OF_BROKEN = frozenset({"ecs:DescribeTaskDefinition", "ecs:ListServiceDeployments", "ecs:StopServiceDeployment"})
_LEFT = (3, 4)
"""Exit codes of a sweep that could not search or delete everything."""

_WITH_BALANCER = "elasticloadbalancing:"
_NETWORKS = ("ec2:DescribeVpcs", "route53resolver:Get", "route53resolver:ListFirewallDomains",
             "route53resolver:ListFirewallRules")  # fmt: skip
_RECORDINGS: Mapping[str, str] = {
    "ecs:DescribeClusters": "ecs-cluster-default-arn",
    "ecs:ListServicesByNamespace": "ecs-list-services-by-namespace",
    "route53:ListHostedZonesByVPC": "r53-zones-by-vpc",
    "events:ListRules": "ecs-eb-deployment-clusterarn",
    "events:ListTargetsByRule": "ecs-eb-deployment-clusterarn",
    "sqs:": "ecs-eb-deployment-clusterarn",
    "servicediscovery:GetInstance": "cm-instance-replace",
    "servicediscovery:GetNamespace": "cm-ns-no-service-count",
    "servicediscovery:GetOperation": "cm-op-40s",
    "servicediscovery:GetService": "cm-srv-no-instance-count",
    "servicediscovery:ListTagsForResource": "cm-tags-unknown",
    "servicediscovery:UpdateService": "cm-record-types-fixed",
    "ssm:GetParameters": "cm-instance-replace",
    "": "cm-discover-shape",
}
"""The recording that uses an action, or actions of a service; that of "" for those for which each run asks."""

_RARE = ("lost", "gone", "checked", "untagged")
"""What the names of leftovers begin with, of which usual runs leave none."""


class Outcome(msgspec.Struct, frozen=True):
    """What a trial without an action ended with. `line`: the first that names the action."""

    command: str
    action: str
    problem: str
    code: int
    words: tuple[str, ...]
    line: str


def actions_of(command: str) -> list[str]:
    """Return the actions of a command's policy, of the service of a user's where it is about one."""
    operations = needed_operations(command, service=command in ("gate", "watch"))
    return sorted(required_actions(operations, DEPENDENT))


def clean_up_trial(
    account: PolicyAccount,
    clock: WallClock,
    folder: Path,
    actions: Sequence[str],
    missing: str,
    kind: str,
    *,
    search: bool,
) -> Trial:
    """Make what a killed run left, and delete it without an action: by the ledger of the run, or by a search.

    Then it is deleted with all `actions`.
    """
    run = f"{next(_RUNS):08x}"
    maker = Maker(account, clock, run, folder / run)
    maker.make(kind)
    words = ["--region", REGION, "--run", run] if search else [str(maker.folder)]
    trial = account.run([action for action in actions if action != missing], "sweep", words, Place(ACCOUNT, REGION))
    if missing and not trial.problem(missing) and trial.code not in _LEFT:
        trial = replace(trial, text=f"exit {trial.code} although something is left\n{trial.text}", failed=("sweep",))
    whole = account.run(actions, "sweep", words, Place(ACCOUNT, REGION)) if missing else trial
    if whole.code and kind != STAYS:
        return replace(whole, failed=("the sweep with all actions",))
    return trial


@dataclass
class Trials:
    """The trials of commands in one account."""

    account: PolicyAccount
    clock: WallClock
    folder: Path
    shop: Shop | None = None
    other_vpc: str = ""
    _scenario: Path | None = field(default=None, init=False)

    def prepare(self, commands: Sequence[str]) -> None:
        """Make what commands on services of a user's need."""
        self._scenario = self.folder / "broken.py"
        self._scenario.write_text(_OWN_SCENARIO, "utf-8")
        if {"audit", "watch"}.isdisjoint(commands):
            return
        self.shop = Shop(self.account, self.clock)
        self.shop.client("ecs").create_cluster(clusterName="store")
        self.shop.serve("web", serviceRegistries=[{"registryArn": self.shop.registry()}])
        if "watch" in commands:
            with_balancer(self.shop, "balanced")
        if "audit" in commands:
            self.other_vpc = with_networks(self.shop)

    def words(self, command: str, action: str) -> list[str]:
        """Return the arguments of a run that uses an action."""
        if command == "sweep":
            return ["--dry-run"]
        if command == "audit":
            return ["--cluster", "store", *(["--client-vpc", self.other_vpc] if action.startswith(_NETWORKS) else [])]
        if command == "watch":
            service = "store/balanced" if action.startswith(_WITH_BALANCER) else SERVICE
            by_revision = ["--client", "api-revision"] if action.endswith("Revision") else []
            return ["--service", service, "--for", "3s", "--path", "/health", *by_revision]
        if command == "load" and action in _OF_BROKEN:
            return [str(self._scenario), "--enable", "ecs-processes"]
        if command == "recordings" and action:
            names = (action, f"{action.partition(':')[0]}:", "")
            return ["check", "--recording", next(_RECORDINGS[name] for name in names if name in _RECORDINGS)]
        return usual_words(command, action)

    def run(self, command: str, missing: str) -> Outcome:
        """Run a command without an action, with all for "": as usual, or by a sweep if usual runs do not ask for it."""
        kind = self._kind(command, missing)
        words, usual = self.words(command, missing), self.words(command, "")
        if kind and (command == "sweep" or (kind.startswith(_RARE) and words == usual)):
            return self.clean_up(command, missing)
        service = words[1] if command == "watch" else ""
        allowed = [action for action in actions_of(command) if action != missing]
        trial = self.account.run(allowed, command, words, Place(ACCOUNT, REGION, service=service))
        outcome = _outcome(command, missing, trial, words)
        return self.clean_up(command, missing) if kind and outcome.problem == NOT_ASKED else outcome

    def _kind(self, command: str, missing: str) -> str:
        """Return what is left on purpose for an action; "" if the command would not make it."""
        kind = kind_for(missing, BY_LEDGER) or kind_for(missing, BY_SEARCH)
        deleted = {action for action in BY_LEDGER.get(kind, ()) if ":Delete" in action or ":Terminate" in action}
        makes_something = command == "sweep" or made_services(command) is not None
        return kind if makes_something and deleted <= set(actions_of(command)) else ""

    def clean_up(self, command: str, missing: str) -> Outcome:
        """Delete what a killed run left with the policy of a command, without an action that this needs."""
        kind, search = kind_for(missing, BY_LEDGER), False
        if not kind:
            kind, search = kind_for(missing, BY_SEARCH), True
        actions = actions_of(command)
        trial = clean_up_trial(self.account, self.clock, self.folder, actions, missing, kind, search=search)
        return _outcome(command, missing, trial, [f"sweep of: {kind}"])


def _outcome(command: str, missing: str, trial: Trial, words: Sequence[str]) -> Outcome:
    problem = trial.problem(missing)
    line = next((line for line in trial.text.splitlines() if missing and missing in line), "")
    if problem:
        line = trial.text[-3_000:]
    return Outcome(command, missing, problem, trial.code, tuple(words), line[:3_000])


@contextmanager
def open_trials(commands: Sequence[str]) -> Iterator[Trials]:
    """Start an account in use, and make there what the commands need."""
    with policy_account() as account, tempfile.TemporaryDirectory() as folder:
        control = Control(account.endpoint, account.token)
        trials = Trials(account, WallClock(control.scale() or 1.0, control.now), Path(folder))
        try:
            trials.prepare(commands)
            yield trials
        finally:
            control.close()


def read_log(path: Path) -> dict[tuple[str, str], Outcome]:
    """Return the last outcome of each trial in a log."""
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    outcomes = [msgspec.json.decode(line, type=Outcome) for line in lines if line]
    return {(outcome.command, outcome.action): outcome for outcome in outcomes}


def table(outcomes: Mapping[tuple[str, str], Outcome], commands: Sequence[str] = COMMANDS) -> Iterator[str]:
    """Yield the lines of the table: by command how many actions are shown, and each of the others with the reason."""
    for command in commands:
        actions = actions_of(command)
        left = {action: _state(command, action, outcomes.get((command, action))) for action in actions}
        left = {action: state for action, state in left.items() if state}
        whole = outcomes.get((command, ""))
        with_all = "not tried" if whole is None else whole.problem or f"as expected (exit {whole.code})"
        yield f"{command}: {len(actions) - len(left)} of {len(actions)} shown; with all: {with_all}"
        for action, state in left.items():
            yield f"  {action}: {state}"


def _state(command: str, action: str, outcome: Outcome | None) -> str:
    if outcome is None:
        return "not tried"
    return (why_not_asked(command, action) if outcome.problem == NOT_ASKED else "") or outcome.problem


def _try(trials: Trials, command: str, action: str, note: Callable[[Outcome], object], seconds: float) -> None:
    if time.monotonic() > seconds:
        return
    try:
        note(trials.run(command, action))
    except (AssertionError, BotoCoreError, ClientError, OSError, SubprocessError) as error:  # it ends no other trial
        note(Outcome(command, action, f"the trial broke: {error!r}"[:500], -1, (), ""))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run trials, and print the table; the exit status is 1 if a trial is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="*", default=COMMANDS, metavar="COMMAND", help=", ".join(COMMANDS))
    parser.add_argument("--only", type=lambda text: text.split(","), default=[], metavar="ACTION,…")
    parser.add_argument("--again", action="store_true", help="also those that are as expected")
    parser.add_argument("--minutes", type=float, default=600.0, help="begin no trial later than this")
    parser.add_argument("--log", type=Path, default=LOG)
    parser.add_argument("--table", action="store_true", help="try nothing")
    options = parser.parse_args(arguments)
    if unknown := set(options.commands) - set(COMMANDS):
        parser.error(f"expected one of {', '.join(COMMANDS)}; got {', '.join(sorted(unknown))}")
    known = read_log(options.log)
    done = {trial for trial, outcome in known.items() if not outcome.problem and not options.again}
    wanted = [
        (command, action)
        for command in options.commands
        for action in ["", *actions_of(command)]
        if (command, action) not in done and (not options.only or action in options.only)
    ]
    end = time.monotonic() + options.minutes * 60
    if wanted and not options.table:
        options.log.parent.mkdir(parents=True, exist_ok=True)
        with options.log.open("a", encoding="utf-8") as log, open_trials([command for command, _ in wanted]) as trials:

            def note(outcome: Outcome) -> None:
                log.write(json.dumps(msgspec.to_builtins(outcome)) + "\n")
                log.flush()
                what = f"without {outcome.action}" if outcome.action else "with all"
                sys.stdout.write(
                    f"{outcome.command} {what}: {outcome.problem or 'as expected'} (exit {outcome.code})\n"
                )
                sys.stdout.flush()

            with ThreadPoolExecutor(AT_ONCE) as pool:
                began = [pool.submit(_try, trials, command, action, note, end) for command, action in wanted]
            for trial in began:
                trial.result()  # raises what is no outcome
    outcomes = read_log(options.log)
    sys.stdout.write("".join(f"{line}\n" for line in table(outcomes, options.commands)))
    wrong = [
        action
        for (command, action), outcome in outcomes.items()
        if command in options.commands and outcome.problem and _state(command, action, outcome) == outcome.problem
    ]
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
