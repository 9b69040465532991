"""Check that a policy is complete and minimal: a command works with it, and not without any one of its actions.

The check runs on the profile `staging`, an emulator that enforces policies as an account in use does: a user with the
policy runs the command. Without an action, a run that uses it must name it, and must judge nothing as failed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.session import Session

from surveyor.account.permissions import make_policies, required_actions
from surveyor.account.scopes import Place
from surveyor.claims.selection import Selection
from surveyor.conformance.rehearsal import rehearse
from surveyor.conformance.replay.run import REPLAY_FILE, ReplayReport, Status
from surveyor.errors import UsageError
from surveyor.input_files import REPORT_LIMIT, read_text
from surveyor.layout import find_layout
from surveyor.model_testing.report import MODEL_FILE
from surveyor.pytest_plugin.collector import Collector
from surveyor.report.file import REPORT_FILE, load_report
from surveyor.report.test_results import TestResult
from surveyor.targets import load_target
from surveyor.targets.options import TargetOptions
from surveyor.targets.process import start
from surveyor.typed_json import parse_json
from surveyor.verdicts import Verdict
from surveyor_policies.dependent import DEPENDENT

__all__ = [
    "ACCOUNT",
    "CHECKED",
    "NOT_ASKED",
    "PolicyAccount",
    "Trial",
    "check_actions",
    "check_policy",
    "policy_account",
    "usual_words",
    "why_not_asked",
]

CHECKED = ("conform", "recordings", "model", "chaos", "load", "advise")
"""The commands that need nothing in the account beforehand."""

ACCOUNT, _SECRET, _REGION = "444455556666", "surveyor", "us-east-1"
_ENDED_WELL = (0, 1, 5)
"""Exit codes of commands that did what they are for: 1 is a verdict, and 5 that nothing fits the target."""

_LOST = "asked for by a clean-up, if an answer was lost or what was made is gone"
_NOT_SHOWN: Mapping[str, str] = {
    # ECS Developer Guide, "Using service-linked roles for Amazon ECS": the first cluster creates the role.
    "iam:CreateServiceLinkedRole": "asked for in an account that has never used ECS",
    # Cloud Map Developer Guide, "AWS Cloud Map API permissions reference": RegisterInstance needs it; for which
    # requests, is not said.
    "ec2:DescribeInstances": "asked for by Cloud Map if an EC2 instance is registered",
    # The audit asks AWS alone for it.
    "iam:GetRole": "asked for where the account is one of AWS",
    "ecs:ListTaskDefinitions": _LOST,
    "elasticloadbalancing:DescribeLoadBalancers": _LOST,
    "elasticloadbalancing:DescribeTargetGroups": _LOST,
    "servicediscovery:GetNamespace": _LOST,
    "servicediscovery:GetService": _LOST,
    "servicediscovery:ListNamespaces": _LOST,
    "servicediscovery:ListOperations": _LOST,
    "servicediscovery:ListServices": _LOST,
    "servicediscovery:ListTagsForResource": _LOST,
    "sqs:GetQueueUrl": _LOST,
}
"""When an action is asked for that no usual run on the profile asks for; tests.account.permission_trials shows most."""

_BROKEN = frozenset({"ecs:DescribeTaskDefinition", "ecs:ListServiceDeployments", "ecs:StopServiceDeployment"})
"""Those of a fault that no scenario of Surveyor's has."""

_DENIED = re.compile(r"the run may not call ([a-z][\w-]*:\w+)")

_SECONDS = 900.0  # wall
_WORKERS = 2
_AT_ONCE = 3

NOT_ASKED = "nothing asks for it"
"""The problem of a trial that ended as if the action were not needed."""

Report = Callable[[str], object]


@dataclass(frozen=True)
class Trial:
    """How a command ended with `actions`: its exit code, what it printed, and what it judged as failed."""

    actions: tuple[str, ...]
    code: int
    text: str
    failed: tuple[str, ...] = ()

    def problem(self, missing: str = "") -> str:
        """Return what is wrong with a trial with all actions, or without the action `missing`; "" if nothing is."""
        if "Traceback" in self.text or "was not foreseen" in self.text:
            return f"a traceback: {_last_line(self.text)}"
        if not missing:
            # What is denied although it is allowed has no tag: it was deleted, or was never made.
            absent = sorted(set(_DENIED.findall(self.text)) - set(self.actions))
            if absent:
                return f"not in the policy: {', '.join(absent)}"
            return "" if self.code in _ENDED_WELL else f"exit {self.code}: {_last_line(self.text)}"
        if self.failed:
            return f"blames AWS: {', '.join(self.failed)}"
        if missing in self.text:
            return ""
        return NOT_ASKED if self.code in _ENDED_WELL else f"does not name it: {_last_line(self.text)}"


@dataclass
class PolicyAccount:
    """An account in use, in which users may do only what policies say."""

    endpoint: str
    token: str
    folder: Path
    _number: Iterator[int] = field(default_factory=lambda: count(1))

    def client(self, service: str) -> Any:
        """Return a client of the account's owner."""
        return Session().create_client(
            service, region_name=_REGION, endpoint_url=self.endpoint, aws_access_key_id=ACCOUNT,
            aws_secret_access_key=_SECRET, config=Config(proxies={}),
        )  # fmt: skip

    def run(self, actions: Sequence[str], command: str, words: Sequence[str], place: Place) -> Trial:
        """Run a command as a new user who may do these actions."""
        number = next(self._number)
        out, name = self.folder / str(number), f"user-{number}"
        iam = self.client("iam")
        iam.create_user(UserName=name)
        for part, policy in enumerate(make_policies(actions, place)):
            made = iam.create_policy(PolicyName=f"{name}-{part}", PolicyDocument=json.dumps(policy))
            iam.attach_user_policy(UserName=name, PolicyArn=made["Policy"]["Arn"])
        key = iam.create_access_key(UserName=name)["AccessKey"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "AWS_EC2_METADATA_DISABLED": "true",
            "SURVEYOR_TOKEN": self.token,
        }
        at = ["--target", "aws", "--account", ACCOUNT, "--endpoint", self.endpoint]
        if command == "sweep" and words and Path(words[0]).is_dir():
            at = []  # its ledgers say where
        elif command not in ("audit", "gate", "sweep"):
            at += ["--dns", "control", "--out", str(out)]
        argv = [sys.executable, "-m", "surveyor", command, *words, *at]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False)
        text, failed = done.stdout + done.stderr, tuple[str, ...]()
        for name, failures in _FAILURES.items():
            for path in sorted(out.rglob(name)):
                text += read_text(path, REPORT_LIMIT)
                failed += failures(path)
        return Trial(tuple(actions), done.returncode, text, failed)


def _failures(path: Path) -> tuple[str, ...]:
    """Return the claims, experiments and scenarios of a report that failed."""
    report = load_report(path)
    failed = [claim.id for claim in report.claims if claim.verdict is Verdict.FAIL]
    return (*failed, *(result.name for result in report.experiments if result.verdict is Verdict.FAIL))


def _contradicted(path: Path) -> tuple[str, ...]:
    """Return the recordings that a report of `recordings check` says to be contradicted."""
    report = parse_json(read_text(path, REPORT_LIMIT), ReplayReport)
    return tuple(result.id for result in report.results if result.status is Status.CONTRADICTS)


def _diverged(path: Path) -> tuple[str, ...]:
    """Return the claims from which a target diverged, by a report of `model`."""
    return tuple(str(found["claim"]) for found in json.loads(read_text(path, REPORT_LIMIT))["divergences"])


_FAILURES: Mapping[str, Callable[[Path], tuple[str, ...]]] = {
    REPORT_FILE: _failures,
    REPLAY_FILE: _contradicted,
    MODEL_FILE: _diverged,
}
"""What a report of each name says to have failed."""


@contextmanager
def policy_account() -> Iterator[PolicyAccount]:
    """Start the profile `staging` without its failures, which are not about permissions, and with room for VPCs."""
    staging = load_target("staging", find_layout().targets)
    assert staging.start is not None
    calm = (*staging.start.argv, "--set", "failures=0", "--set", "resets=0", "--set", "quotas.vpcs=20")
    started = start("staging", replace(staging.start, argv=calm), seed=7)
    try:
        with tempfile.TemporaryDirectory(prefix="surveyor-") as folder:
            yield PolicyAccount(started.endpoint, started.token, Path(folder))
    finally:
        started.stop()


def check_policy(
    command: str, actions: Sequence[str], features: Sequence[str], report: Report, *, only: Sequence[str] = ()
) -> list[str]:
    """Run a command with all actions and without each; return and report what is wrong. `only`: of these actions."""
    if command not in CHECKED:
        raise UsageError(f"--check goes with {', '.join(CHECKED)}: the others need something in the account first")
    users = _users(features) if command == "conform" else {}
    with policy_account() as account:
        words_for = partial(_words, command, features, users)
        place = Place(ACCOUNT, _REGION)
        return check_actions(account, command, actions, words_for, place, report, only, at_once=_AT_ONCE)


def check_actions(
    account: PolicyAccount,
    command: str,
    actions: Sequence[str],
    words_for: Callable[[str], list[str] | None],
    place: Place,
    report: Report,
    only: Sequence[str] = (),
    *,
    at_once: int = 1,
) -> list[str]:
    """Run a command with all actions and without each; return and report what is wrong.

    `words_for`: the arguments with which the command uses an action, and all of them for ""; None if there are none.
    `at_once`: how many trials run at a time; they wait most of the time.
    """

    def problem_without(missing: str) -> str:
        words = words_for(missing)
        left = [action for action in actions if action != missing]
        return "nothing asks for it" if words is None else account.run(left, command, words, place).problem(missing)

    tried = ("", *(only or actions))
    problems: list[str] = []
    pool = ThreadPoolExecutor(at_once)
    try:
        for missing, problem in zip(tried, pool.map(problem_without, tried), strict=True):
            excuse = why_not_asked(command, missing) if problem == NOT_ASKED else ""
            trial = f"without {missing}" if missing else "with all"
            report(f"{trial}: {f'{problem}: it is {excuse}' if excuse else problem or 'as expected'}")
            problems += [f"{missing}: {problem}"] if problem and not excuse else []
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupt starts no more trials
    return problems


def why_not_asked(command: str, action: str) -> str:
    """Return when a command asks for an action of its policy that usual runs on the profile do not ask for."""
    if command == "load" and action in _BROKEN:
        return "asked for by scenarios of one's own that deploy a broken revision"
    return _NOT_SHOWN.get(action, "")


def _users(features: Sequence[str]) -> Mapping[str, list[TestResult]]:
    """Return the tests that use each action, the smallest first, as a rehearsal with these features shows them."""
    layout = find_layout()
    target = load_target("aws", layout.targets, TargetOptions(account=ACCOUNT))
    rehearsal = rehearse(replace(target, features=frozenset(features)), Selection(), layout, Collector(), _WORKERS)
    users: dict[str, list[TestResult]] = {}
    for result in sorted(rehearsal.results, key=lambda result: sum(result.calls.values())):
        for action in required_actions(result.calls, DEPENDENT):
            users.setdefault(action, []).append(result)
    return users


def _words(
    command: str, features: Sequence[str], users: Mapping[str, list[TestResult]], missing: str
) -> list[str] | None:
    """Return the arguments with which a command uses an action; None if it never does."""
    if command != "conform":
        return usual_words(command, missing)
    tests = users.get(missing, [])[:1] if missing else [tests[0] for tests in users.values()]
    claims = sorted({claim for result in tests for claim in result.claims})
    if not claims:
        return None
    enabled = _PROCESSES if "ecs-processes" in features else []
    return [*(word for claim in claims for word in ("--claim", claim)), *enabled, "--workers", "1"]


_PROCESSES = ["--enable", "ecs-processes"]

_PROGRAMS: Mapping[str, Mapping[str, str]] = {
    "chaos": {
        "ecs:DescribeServiceDeployments": "canary-with-a-bad-revision",
        "ecs:DescribeServiceRevisions": "canary-with-a-bad-revision",
        "ecs:DescribeTaskDefinition": "canary-with-a-bad-revision",
        "ecs:ListServiceDeployments": "canary-with-a-bad-revision",
        "ecs:StopServiceDeployment": "canary-with-a-bad-revision",
        "route53:GetHealthCheck": "ghost-registered",
        "route53:UpdateHealthCheck": "ghost-registered",
        "servicediscovery:GetInstance": "ghost-registered",
        "servicediscovery:GetService": "any-fault --fault registry.ttl",
        "servicediscovery:UpdateService": "any-fault --fault registry.ttl",
        "": "kill-one-of-many",
    },
    "load": {
        "route53:GetHealthCheck": "migrate",
        "route53:UpdateHealthCheck": "migrate",
        "servicediscovery:GetInstance": "migrate",
        "servicediscovery:GetService": "ttl",
        "servicediscovery:UpdateService": "ttl",
        "": "lose-one",
    },
}
"""The experiment or scenario that uses an action; that of "" uses most."""


def usual_words(command: str, action: str = "") -> list[str]:
    """Return the arguments with which a command other than `conform` uses an action that usual runs use."""
    if programs := _PROGRAMS.get(command):
        return [*programs.get(action, programs[""]).split(), *_PROCESSES]
    return {"advise": _PROCESSES, "recordings": ["check"], "model": ["--examples", "10"]}[command]


def _last_line(text: str) -> str:
    return next((line[:300] for line in reversed(text.splitlines()) if line.strip()), "no output")
