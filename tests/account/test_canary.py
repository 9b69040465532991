"""One task at the beginning of a run shows whether tasks run in an account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surveyor.account.ledger import ledgers_in
from surveyor.clock import ControlledClock
from surveyor.errors import NotOffered
from surveyor.fixtures.canary import look_at, start_canary, wait_for_canary
from surveyor.report.file import load_report
from tests.account.conftest import TARGETS, EmulatorAccount, flowing
from tests.account.kills import list_resources
from tests.account.test_runs import conform, surveyor
from tests.test_clock import ManualTime

CLAIMS = (
    "ecs.life.registered-before-running",
    "ecs.life.names",
    "ecs.instance-id.is-the-task-id",
    "ecs.registry.run-task-registers-nothing",
    "ecs.cluster.counts",
)
WHERE = {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "DISABLED"}}}


class Ecs:
    """ECS that answers RunTask with `answer`, or raises it, and then shows these states of the task in turn."""

    def __init__(self, answer: dict[str, Any] | ClientError, *states: dict[str, Any]) -> None:
        self.answer, self.states = answer, list(states)

    def run_task(self, **_: Any) -> dict[str, Any]:
        """Answer RunTask."""
        if isinstance(self.answer, ClientError):
            raise self.answer
        return self.answer

    def describe_tasks(self, **_: Any) -> dict[str, Any]:
        """Answer DescribeTasks; the last state remains."""
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"tasks": [state] if state else [], "failures": []}


STARTED = {"tasks": [{"taskArn": "arn:task"}]}
NO_IMAGE = "CannotPullContainerError: pull image manifest has been retried 5 time(s): i/o timeout"


def refused(code: str, message: str, status: int = 400) -> ClientError:
    """Return the error of RunTask."""
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "CallOfTheRun": True},
    }
    return ClientError(answer, "RunTask")


def obstacle(ecs: Any) -> str:
    """Return what is found, in no time."""
    started = start_canary(ecs, "cluster", "definition:1", WHERE)
    return wait_for_canary(ecs, ControlledClock(ManualTime()), started).problem


@pytest.mark.parametrize(
    "states",
    [
        [{}, {"lastStatus": "PENDING"}, {"lastStatus": "RUNNING"}],
        [{"lastStatus": "DEPROVISIONING", "stoppedReason": "Essential container in task exited",
          "containers": [{"exitCode": 0}]}],
        [{"lastStatus": "STOPPED", "stoppedReason": "Essential container in task exited",
          "containers": [{"exitCode": 1}]}],
    ],
)  # fmt: skip
def test_a_task_that_ran_is_no_obstacle(states: list[dict[str, Any]]) -> None:
    """Whether it is still running, or has ended before it was seen."""
    assert obstacle(Ecs(STARTED, *states)) == ""


def test_the_reason_is_verbatim_with_the_cure() -> None:
    """What ECS says, in which subnet, and what tasks need there."""
    found = obstacle(Ecs(STARTED, {"lastStatus": "DEPROVISIONING", "stoppedReason": NO_IMAGE}))
    assert found.startswith(NO_IMAGE)
    assert "in subnet-1 without a public address; tasks need a way to the registry" in found
    other = obstacle(Ecs(STARTED, {"lastStatus": "STOPPED", "stoppedReason": "Unexpected EC2 error"}))
    assert other.startswith("Unexpected EC2 error (in subnet-1")


def test_a_task_that_stays_pending_is_looked_at_again() -> None:
    """After two minutes its state is the reason; it may run later, or ECS may say then why it does not."""
    ecs: Any = Ecs(STARTED, {"lastStatus": "PENDING", "pullStartedAt": 1})
    started = wait_for_canary(ecs, ControlledClock(ManualTime()), start_canary(ecs, "cluster", "d:1", WHERE))
    assert started.problem.startswith(
        "the first one is PENDING after 120 seconds, and its image is being pulled (in subnet-1 without a public "
        "address; tasks need a way to the registry"
    )
    assert not started.settled
    running: Any = Ecs(STARTED, {"lastStatus": "RUNNING"})
    stopped: Any = Ecs(STARTED, {"stoppedReason": NO_IMAGE})
    forgotten: Any = Ecs(STARTED, {})
    assert look_at(running, started).problem == ""
    assert look_at(stopped, started).problem.startswith(NO_IMAGE)
    assert "not listed" in look_at(forgotten, started).problem


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"tasks": [], "failures": [{"arn": "a", "reason": "RESOURCE:FARGATE"}]}, "RunTask started none: a RESOURCE"),
        ({"tasks": [], "failures": []}, "RunTask started none"),
        (refused("InvalidParameterException", "Unable to assume the service linked role."), "service linked role"),
        (refused("AccessDeniedException", "because", 403), "the run may not call RunTask (because)"),
        (refused("LimitExceededException", "vCPUs"), "RunTask met a quota of the account"),
    ],
)
def test_refusals_are_obstacles(answer: Any, words: str) -> None:
    """What RunTask says is the reason."""
    assert words in obstacle(Ecs(answer, {}))


@pytest.mark.parametrize(
    "error",
    [
        refused("ThrottlingException", "now"),
        refused("ServerException", "now"),
        NotOffered("ecs", "RunTask", "UnknownOperationException"),
    ],
)
def test_what_says_nothing_about_tasks_is_raised(error: ClientError) -> None:
    """The next test tries again; an operation that a target lacks is judged as everywhere."""
    with pytest.raises(type(error)):
        obstacle(Ecs(error, {}))


def intents(folder: Path) -> list[str]:
    """Return the operations of all create calls by the ledgers."""
    lines = [line for path in ledgers_in(folder) for line in path.read_text().splitlines()]
    return [line.split('"operation":"')[1].split('"')[0] for line in lines if '"intent"' in line]


def target_with_subnets(emulator: EmulatorAccount, folder: Path, *cidrs: str) -> Path:
    """Return a copy of the target file `aws` in which tasks run in the first subnets of these blocks."""
    subnets = emulator.clients().client("ec2", "").describe_subnets()["Subnets"]
    chosen = [subnet["SubnetId"] for subnet in subnets if subnet["CidrBlock"] in cidrs]
    assert len(chosen) == len(cidrs)
    copy = folder / "account.toml"
    copy.write_text((TARGETS / "aws.toml").read_text().replace("[ecs]", f"[ecs]\nsubnets = {chosen}", 1))
    return copy


@pytest.mark.soak
def test_one_task_says_for_all_tests_that_none_can_run(tmp_path: Path) -> None:
    """Two workers start one task, and no service; the claims are inconclusive with the reason of ECS."""
    with flowing(scale=60, egress="routed", residents="some") as emulator:
        target = target_with_subnets(emulator, tmp_path, "10.41.0.0/20")
        arguments = list(conform(emulator, tmp_path / "out"))
        arguments[arguments.index("aws")] = str(target)
        claims = [word for claim in CLAIMS for word in ("--claim", claim)]
        before = list_resources(emulator.clients())
        done = surveyor(emulator, *arguments, *claims, "--workers", "2")
        assert list_resources(emulator.clients()) == before
    tests = [test for claim in load_report(tmp_path / "out" / "report.json").claims for test in claim.tests]
    assert len(tests) >= len(CLAIMS)
    for test in tests:
        words = test.detail.removeprefix("tasks cannot run in this account: ")
        # ECS gives the reason minutes later: the tests after that have it.
        assert words.startswith(("the first one is PENDING after 120 seconds", "CannotPullContainerError"))
        assert "without a public address; tasks need a way to the registry" in test.detail
    assert intents(tmp_path / "out").count("ecs:RunTask") == 1
    calls = [entry for test in tests for entry in test.evidence if entry.get("operation") == "CreateService"]
    assert {entry["params"]["desiredCount"] for entry in calls if entry.get("service") == "ecs"} <= {0}
    assert done.returncode in (1, 5), done.stdout + done.stderr


@pytest.mark.soak
def test_where_tasks_run_each_worker_has_one_cluster(tmp_path: Path) -> None:
    """One canary, one cluster for the tests of a worker, without Container Insights; nothing is left of them."""
    with flowing(scale=60, egress="routed") as emulator:
        claims = [word for claim in (*CLAIMS, "ecs.cluster.delete") for word in ("--claim", claim)]
        before = list_resources(emulator.clients())
        done = surveyor(emulator, *conform(emulator, tmp_path), *claims, "--workers", "1")
        assert done.returncode == 0, done.stdout + done.stderr
        assert list_resources(emulator.clients()) == before
        assert emulator.clients().client("ecs", "").list_clusters()["clusterArns"] == []
    ledger = (tmp_path / "ledger-main.jsonl").read_text()
    assert ledger.count('"kind":"canary"') == 1
    assert ledger.count('"kind":"cluster of main"') == 1


@pytest.mark.soak
def test_tasks_run_behind_the_nat_gateway_of_others(tmp_path: Path) -> None:
    """In a private subnet that the target file names, tasks pull their image without a public address."""
    with flowing(scale=60, egress="routed", residents="some") as emulator:
        arguments = list(conform(emulator, tmp_path / "out"))
        arguments[arguments.index("aws")] = str(target_with_subnets(emulator, tmp_path, "10.40.0.0/20"))
        done = surveyor(emulator, *arguments, "--claim", CLAIMS[0], "--workers", "1")
    assert done.returncode == 0, done.stdout + done.stderr
