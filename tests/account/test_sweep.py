"""Taking away what a dead run left, and only that."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from surveyor.account.ledger import Ledger, Owner, read_pages
from surveyor.targets import load_target
from surveyor.targets.options import TargetOptions
from surveyor.targets.running import RunningTarget, run_target
from surveyor.targets.sweep import sweep_folder
from tests.account.conftest import ACCOUNT, TARGETS
from tests.account.kills import killed_run, standing, sweep

if TYPE_CHECKING:
    from tests.account.conftest import Place

RUN = "0123abcd"


Make = Callable[..., dict[str, Any]]


@pytest.fixture
def ledger(place: Place, tmp_path: Path) -> Iterator[Ledger]:
    """The ledger of a run at that place."""
    owner = Owner(RUN, "aws", ACCOUNT, "us-east-1", place.endpoint, "control")
    made = Ledger(tmp_path / "ledger-main.jsonl", owner)
    yield made
    made.close()


@pytest.fixture
def vpc(place: Place, ledger: Ledger) -> str:
    """A VPC that the ledger knows of."""
    with run_target(place.target(), 7, ledger) as running:
        return str(running.clients.client("ec2", ACCOUNT).create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"])


@pytest.fixture
def running(ledger: Ledger) -> Iterator[RunningTarget]:
    """The same account on an embedded target whose clock is ours: waiting costs nothing."""
    with run_target(load_target("embedded", TARGETS, TargetOptions(account=ACCOUNT)), 7, ledger) as there:
        yield there


@pytest.fixture
def make(running: RunningTarget, ledger: Ledger) -> Make:
    """Makes a call that the ledger knows of; with `lost` its answer never came."""

    def call(service: str, operation: str, *, lost: bool = False, **params: Any) -> dict[str, Any]:
        if lost:
            ledger.after = lambda *_: None  # type: ignore[method-assign]  # the run died before it was written
        answer: dict[str, Any] = getattr(running.clients.client(service, ACCOUNT), operation)(**params)
        if lost:
            del ledger.after
        return answer

    return call


def swept(running: RunningTarget, ledger: Ledger) -> tuple[list[str], list[str]]:
    """What a sweep tells, and what it leaves."""
    ledger.close()
    told: list[str] = []
    left = sweep_folder(ledger.path.parent, running.target, lambda *_: nullcontext(running), told.append)
    return told, left


@pytest.mark.parametrize("lost", [False, True])
def test_everything_of_a_run_goes(running: RunningTarget, ledger: Ledger, make: Make, *, lost: bool) -> None:
    """Each kind of thing is found, by its identifier or by the run's marks, and taken away; strangers stay."""
    stranger = namespace_of(running, make("servicediscovery", "create_http_namespace", Name="somebody", Tags=[]))
    ledger.removed(ledger.count)
    before, name = standing(running.clients), f"surveyor-{RUN}-a"
    namespace = namespace_of(running, make("servicediscovery", "create_http_namespace", lost=lost, Name=name))
    service = make("servicediscovery", "create_service", lost=lost, Name=f"{name}-s", NamespaceId=namespace)["Service"]
    make("servicediscovery", "register_instance", ServiceId=service["Id"], InstanceId="i", Attributes={"a": "b"})
    zone = make("route53", "create_hosted_zone", lost=lost, Name=f"{name}.test", CallerReference=name)["HostedZone"]
    record = {"Name": f"a.{name}.test", "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    make("route53", "change_resource_record_sets", HostedZoneId=zone["Id"], ChangeBatch=batch)
    check = {"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 80}
    make("route53", "create_health_check", lost=lost, CallerReference=name, HealthCheckConfig=check)
    vpc = make("ec2", "create_vpc", lost=lost, CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = make("ec2", "create_subnet", lost=lost, VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    one: Any = {"ImageId": "ami-12345678", "InstanceType": "t3.nano", "MinCount": 1, "MaxCount": 1}
    make("ec2", "run_instances", lost=lost, SubnetId=subnet, **one)
    told, left = swept(running, ledger)
    assert left == []
    assert (told[0], len(told[1:])) == (f"run {RUN}: taking away 7 things", 7)
    assert standing(running.clients) == before
    assert stranger in before
    assert swept(running, ledger) == ([], [])


def namespace_of(running: RunningTarget, answer: dict[str, Any]) -> str:
    """The namespace that a create call made."""
    cloudmap = running.clients.client("servicediscovery", ACCOUNT)
    running.clock.wait(60)
    return str(cloudmap.get_operation(OperationId=answer["OperationId"])["Operation"]["Targets"]["NAMESPACE"])


def test_namespace_that_is_still_being_made_is_waited_for(running: RunningTarget, ledger: Ledger, make: Make) -> None:
    """A run that died while its namespace was made, answered or not, leaves none."""
    before = standing(running.clients)
    make("servicediscovery", "create_http_namespace", Name=f"surveyor-{RUN}-a")
    make("servicediscovery", "create_http_namespace", lost=True, Name=f"surveyor-{RUN}-b")
    assert swept(running, ledger)[1] == []
    running.clock.wait(600)
    assert standing(running.clients) == before


def test_what_cannot_be_taken_away_is_told(running: RunningTarget, ledger: Ledger, make: Make) -> None:
    """A line with the reason for what is left, and the rest goes; what was in the way gone, so does that."""
    vpc = make("ec2", "create_vpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = make("ec2", "create_subnet", VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    ledger.removed(ledger.count)  # the subnet is somebody else's now
    other = make("ec2", "create_vpc", CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    told, [line] = swept(running, ledger)
    assert told[1:] == [f"gone: VPC {other}"]
    assert line.startswith(f"VPC {vpc}: ")
    assert "DependencyViolation" in line
    running.clients.patient("ec2", "us-east-1").delete_subnet(SubnetId=subnet)
    assert swept(running, ledger)[1] == []


def test_killed_runs_leave_nothing_after_a_sweep(place: Place, tmp_path: Path) -> None:
    """Twice killed without warning, once soon and once later: what stood is swept, and a listing shows nothing."""
    before = standing(place.clients())
    for number, after in enumerate((3.0, 6.5)):
        out = tmp_path / str(number)
        killed_run(place, out, after)
        done = sweep(place, out)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        assert standing(place.clients()) == before


def test_run_that_goes_on_is_left_alone(place: Place, ledger: Ledger, vpc: str) -> None:
    """While its process lives, a run's things are its own: exit 4 and a line that says so."""
    done = sweep(place, ledger.path.parent)
    assert done.returncode == 4
    assert f"run {RUN} still goes on (process" in done.stderr
    assert vpc in standing(place.clients())
    ledger.close()
    assert sweep(place, ledger.path.parent).returncode == 0


def changed(ledger: Ledger, **values: object) -> None:
    """Change the first line of a ledger."""
    head, *rest = ledger.path.read_text().splitlines(keepends=True)
    ledger.path.write_text(json.dumps(json.loads(head) | values) + "\n" + "".join(rest))


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"host": "elsewhere"}, "it was made on elsewhere, at http://127.0.0.1:"),
        ({"account": "111111111111"}, "expected account 111111111111 (--account); the credentials are of account"),
        ({"target": "no-such"}, "unknown target 'no-such'"),
        ({"format": 9}, "is no ledger that this version can read"),
    ],
)
def test_strange_ledgers_are_refused(
    place: Place, ledger: Ledger, vpc: str, values: dict[str, object], why: str
) -> None:
    """A ledger of another machine's endpoint, another account, target or format: one line, exit 3, nothing touched."""
    ledger.close()
    changed(ledger, **values)
    done = sweep(place, ledger.path.parent)
    assert done.returncode == 3
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    assert vpc in standing(place.clients())
    changed(ledger, host=socket.gethostname(), account=ACCOUNT, target="aws", format=1)
    assert sweep(place, ledger.path.parent).returncode == 0
    assert read_pages(ledger.path).standing == ()
