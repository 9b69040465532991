"""`surveyor in-vpc` against an account in use: what is seen here, what is left, and what cannot start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests.account.conftest import ACCOUNT, EmulatorAccount, flowing
from tests.in_vpc.kills import command_processes, task_processes
from tests.in_vpc.staging_account import ROLE, in_vpc_words, inventory, make_task_role, run_surveyor

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def account() -> Iterator[EmulatorAccount]:
    """Run one account for all tests, in which images are pulled by routes."""
    with flowing(20, egress="routed") as running, mock.patch.dict(os.environ, running.environment):
        running.clients().client("ec2", ACCOUNT).describe_vpcs()
        yield running


@pytest.fixture(scope="module")
def role(account: EmulatorAccount) -> str:
    """Return a role with the printed policies."""
    return make_task_role(account, ["chaos", "watch"])


def start(account: EmulatorAccount, words: list[str]) -> subprocess.Popen[str]:
    """Start a command whose standard error is read while it runs."""
    return subprocess.Popen(
        [sys.executable, "-m", "surveyor", *words], env=os.environ | account.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """Return what was printed on standard error up to a line with these words."""
    assert process.stderr is not None
    read = ""
    for line in process.stderr:
        read += line
        if words in line:
            return read
    raise AssertionError(read)


def test_a_command_ends_as_if_it_ran_here(account: EmulatorAccount, role: str, tmp_path: Path) -> None:
    """The exit code and the error line are those of the command, which acts as the role; nothing is left."""
    before, command = inventory(account), ["watch", "--service", "nope/none", "--for", "1m"]
    inside = run_surveyor(account, *in_vpc_words(account, role, tmp_path / "inside"), *command)
    last = "surveyor: there is no cluster nope in this account and Region"
    assert (inside.returncode, inside.stderr.splitlines()[-1], inside.stdout) == (2, last, "")
    assert f"assumed-role/{ROLE}/" in inside.stderr
    assert f"with the role {role}: started in " in inside.stderr
    assert inventory(account) == before
    assert not (tmp_path / "inside" / "in-vpc" / "mailbox.json").exists()


def test_nothing_reaches_the_task_and_a_signal_does(account: EmulatorAccount, role: str, tmp_path: Path) -> None:
    """No process of the task listens, its group has no rule; SIGTERM ends the command, which deletes what it made."""
    before = inventory(account)
    process = start(account, [*in_vpc_words(account, role, tmp_path / "out"), "chaos", "kill-half"])
    read_until(process, "chaos runs in ")
    pids = set(task_processes(account))
    assert pids
    assert listening(pids) == []
    ec2 = account.clients().client("ec2", ACCOUNT)
    groups = ec2.describe_security_groups()["SecurityGroups"]
    [group] = [found for found in groups if found["GroupName"].endswith("-vantage")]
    assert group["IpPermissions"] == []
    ecs = account.clients().client("ecs", ACCOUNT)
    [cluster] = [arn for arn in ecs.list_clusters()["clusterArns"] if arn.endswith("-in-vpc")]
    [task] = ecs.describe_tasks(cluster=cluster, tasks=ecs.list_tasks(cluster=cluster)["taskArns"])["tasks"]
    definition = ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])["taskDefinition"]
    assert (definition["taskRoleArn"], "executionRoleArn" in definition) == (role, False)
    read_until(process, "1 experiment")
    process.send_signal(signal.SIGTERM)
    read_until(process, "interrupted: waiting for the clean-up of the command")
    _, rest = process.communicate(timeout=120)
    assert process.returncode == 130, rest
    assert inventory(account) == before


def listening(pids: set[int]) -> list[str]:
    """Return the TCP sockets at which these processes, and those below them, listen."""
    inodes: set[str] = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            if (target := str(link.readlink())).startswith("socket:["):
                inodes.add(target[len("socket:[") : -1])
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return [fields[1] for fields in lines if fields[3] == "0A" and fields[9] in inodes]


@pytest.mark.parametrize("victim", ["task", "command", "runner"])
def test_a_kill_leaves_nothing(account: EmulatorAccount, role: str, tmp_path: Path, victim: str) -> None:
    """A killed task or command is noticed, and what it made is deleted; a killed run leaves that to the sweep."""
    before = inventory(account)
    process = start(account, [*in_vpc_words(account, role, tmp_path / "out"), "chaos", "kill-half"])
    read_until(process, "1 experiment")
    own = set(task_processes(account))
    ledger = tmp_path / "out" / "ledger-main.jsonl"
    deadline = time.monotonic() + 60
    while not (ledger.exists() and "servicediscovery:" in ledger.read_text()) and time.monotonic() < deadline:
        threading.Event().wait(0.1)
    assert inventory(account) > before
    if victim == "runner":
        process.kill()
    else:
        for pid in own if victim == "task" else command_processes(account):
            os.kill(pid, signal.SIGKILL)
    _, rest = process.communicate(timeout=120)
    if victim == "task":
        assert process.returncode == 3
        assert "the task of the command ended before the command did: Essential container in task exited" in rest
        assert rest.rstrip().endswith("; nothing is left")
        assert inventory(account) == before
    if victim == "command":
        assert process.returncode == 128 + signal.SIGKILL
        assert "the command was killed by signal 9: nothing is left" in rest
        assert inventory(account) == before
    swept = run_surveyor(account, "sweep", str(tmp_path / "out"))
    assert (swept.returncode, swept.stderr) == (0, "")
    assert inventory(account) == before
    assert own
    assert task_processes(account) == []


def test_a_role_that_ecs_may_not_assume(account: EmulatorAccount, role: str, tmp_path: Path) -> None:
    """One that does not exist, and one that trusts others: ECS's words, what to do, exit 3, nothing left."""
    iam = account.clients().client("iam", ACCOUNT)
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    other = str(iam.create_role(RoleName="surveyor-of-ec2", AssumeRolePolicyDocument=document)["Role"]["Arn"])
    before = inventory(account)
    for number, arn in enumerate((other, f"{role}-absent")):
        done = run_surveyor(account, *in_vpc_words(account, arn, tmp_path / str(number)), "chaos", "kill-half")
        assert done.returncode == 3
        line = done.stderr.splitlines()[-1]
        assert line.startswith("surveyor: the task of the command cannot start in subnet-")
        assert f"ECS was unable to assume the role '{arn}' that was provided for this task. Please verify" in line
        assert "`surveyor policy in-vpc` prints the trust policy and the permissions of the role" in line
        assert line.endswith("; nothing is left")
        assert inventory(account) == before
    iam.delete_role(RoleName="surveyor-of-ec2")


def test_subnets_without_a_way_out(account: EmulatorAccount, role: str, tmp_path: Path) -> None:
    """Those of two VPCs and those that do not exist are refused; without a way out ECS's reason is shown."""
    ec2 = account.clients().client("ec2", ACCOUNT)
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24")["Subnet"]["SubnetId"]
    default = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]["SubnetId"]
    before = inventory(account)

    def run(subnets: str) -> tuple[int, str]:
        words = in_vpc_words(account, role, tmp_path / subnets, "--from-vpc", subnets)
        done = run_surveyor(account, *words, "chaos", "kill-half")
        return done.returncode, done.stderr.splitlines()[-1]

    code, line = run(f"{subnet},{default}")
    assert (code, "expected subnets of one VPC" in line) == (2, True)
    code, line = run("subnet-00000000000000000")
    assert (code, "--from-vpc subnet-00000000000000000: The" in line) == (2, True)
    code, line = run(subnet)
    assert code == 3
    assert f"the task of the command cannot start in {subnet} of {vpc} without a public address: Cannot" in line
    assert "the task needs a way to the image's registry, to S3 and to the package registry" in line
    assert line.endswith("; nothing is left")
    assert inventory(account) == before
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)


def test_an_object_that_others_changed(account: EmulatorAccount, role: str, tmp_path: Path) -> None:
    """It ends the run: one line, exit 3, and nothing is left of either."""
    before = inventory(account)
    process = start(account, [*in_vpc_words(account, role, tmp_path / "out"), "chaos", "kill-half"])
    read_until(process, "1 experiment")
    state: dict[str, Any] = json.loads((tmp_path / "out" / "in-vpc" / "mailbox.json").read_text())
    assert (tmp_path / "out" / "in-vpc").stat().st_mode & 0o777 == 0o700
    s3 = account.clients().client("s3", ACCOUNT)
    for number in range(state["read"] + 1, state["read"] + 200):
        s3.put_object(Bucket=state["bucket"], Key=f"{state['session']}/answer/{number}", Body=b"forged")
    _, rest = process.communicate(timeout=120)
    assert process.returncode == 3
    line = rest.splitlines()[-1]
    assert "was changed by others: it has not the HMAC of the run" in line
    assert line.endswith("; nothing is left")
    assert inventory(account) == before
