"""What an account refuses ends each command with one line and exit code 3: no traceback, no finding, no verdict."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.account.conftest import ACCOUNT, EmulatorAccount, flowing
from tests.account.failing import CLOSED, failing
from tests.account.limited import deny, limited
from tests.gate.test_gate import prepared

pytestmark = pytest.mark.soak  # each starts a command

COMMANDS = ("audit", "gate", "sweep", "advise", "chaos", "chaos-service", "conform", "load")

EXPIRED = ("ExpiredTokenException", "the credentials have expired: get new ones")
KINDS = {
    "expired": EXPIRED,
    "unknown key": ("UnrecognizedClientException", "or the Region is not enabled in the account"),
    "not enabled": ("OptInRequired", "is not enabled in the account: enable it, or choose another --region"),
    "throttled": ("ThrottlingException", "the account makes too many calls: try again later"),
    "closed": (CLOSED, ""),
}
"""Code with which services other than STS answer, and words of the line."""

RULES = 'inconclusive = "fail"\n[[threshold]]\nscenario = "made"\nfigure = "error-rate"\nat-most = 1\n'


@pytest.fixture(scope="module")
def fast() -> Iterator[EmulatorAccount]:
    """Run an account whose clock is fast: waiting before another attempt costs little."""
    with flowing(100) as running:
        yield running


def words_of(command: str, endpoint: str, folder: Path) -> list[str]:
    """Return the arguments of a command at an endpoint."""
    at = ["--target", "aws", "--account", ACCOUNT, "--endpoint", endpoint]
    run = ["--dns", "control", "--out", str(folder / "out")]
    if command == "gate":
        (folder / "gate.toml").write_text(RULES, "utf-8")
        measured = prepared(folder / "measured", 300, 1_000)
        return ["gate", str(folder / "gate.toml"), str(measured), "--ecs", "shop/web", *at]
    return {
        "audit": ["audit", "--cluster", "shop", *at],
        "sweep": ["sweep", *at],
        "advise": ["advise", *at, *run, "--enable", "ecs-processes"],
        "chaos": ["chaos", "kill-one-of-many", "--enable", "ecs-processes", *at, *run],
        "chaos-service": ["chaos", "any-fault", "--fault", "task.stop", "--service", "shop/web",
                          "--enable", "ecs-processes", *at, *run],
        "conform": ["conform", "--claim", "services.create-is-synchronous", *at, *run],
        "load": ["load", "deploy", "--enable", "ecs-processes", *at, *run],
    }[command]  # fmt: skip


def refused(command: str, endpoint: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a command that an account refuses, and return the last line of its errors."""
    done = subprocess.run(
        [sys.executable, "-m", "surveyor", *words_of(command, endpoint, folder)],
        capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **environment}, timeout=120, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 3, said
    assert "Traceback" not in said
    assert "was not foreseen" not in said
    assert "finding" not in done.stdout
    errors = [line for line in done.stderr.splitlines() if line.startswith("surveyor: ")]
    assert len(errors) == 1, said
    return errors[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_answer_is_one_line(fast: EmulatorAccount, tmp_path: Path, command: str, kind: str) -> None:
    """Credentials that end, Regions that are not enabled, throttling and connections that are closed."""
    code, words = KINDS[kind]
    one = ("ecs",) if command in ("gate", "audit", "chaos-service") else ("servicediscovery",)
    # Throttled calls are repeated for a minute, and a sweep asks eight services.
    with failing(fast.endpoint, code, one if kind == "throttled" else None) as endpoint:
        line = refused(command, endpoint, tmp_path, fast.environment)
    assert words in line or "throttled by" in line
    assert code == CLOSED or code in line or "throttled by" in line


@pytest.mark.parametrize("command", COMMANDS)
def test_a_session_that_has_ended_is_one_line(fast: EmulatorAccount, tmp_path: Path, command: str) -> None:
    """STS refuses GetCallerIdentity, before anything else is called."""
    with failing(fast.endpoint, "ExpiredToken", ("sts",)) as endpoint:
        line = refused(command, endpoint, tmp_path, fast.environment)
    assert "refused GetCallerIdentity with ExpiredToken: the credentials have expired: get new ones" in line


DENIED = {
    "audit": "ecs:ListTasks", "gate": "ecs:ListServiceDeployments", "sweep": "route53:ListHealthChecks",
    "advise": "ecs:RegisterTaskDefinition", "chaos": "ecs:StopTask", "chaos-service": "ecs:DescribeServices",
    "conform": "servicediscovery:CreateHttpNamespace", "load": "ecs:UpdateService",
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_permission_is_one_line(
    fast: EmulatorAccount, tmp_path: Path, command: str, shop: Callable[[], None]
) -> None:
    """The action is named."""
    shop()
    action = DENIED[command]
    line = refused(command, fast.endpoint, tmp_path, limited(fast, deny(action)))
    assert action in line


@pytest.fixture
def shop(fast: EmulatorAccount) -> Callable[[], None]:
    """Return a function that creates a cluster with a service without tasks, unless there is one."""

    def create() -> None:
        ecs = fast.clients().client("ecs", ACCOUNT)
        if ecs.describe_clusters(clusters=["shop"])["clusters"]:
            return
        ecs.create_cluster(clusterName="shop")
        app = {"name": "app", "image": "python"}
        ecs.register_task_definition(
            family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            containerDefinitions=[app],
        )  # fmt: skip
        subnets = fast.clients().client("ec2", ACCOUNT).describe_subnets()["Subnets"]
        ecs.create_service(
            cluster="shop", serviceName="web", taskDefinition="web", desiredCount=0, launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": [subnets[0]["SubnetId"]]}},
        )  # fmt: skip

    return create
