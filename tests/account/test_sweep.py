"""`surveyor sweep`: deletes what a dead run left behind, and only that."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from surveyor.account.ledger import Ledger, Owner, read_ledger
from surveyor.cli import main
from surveyor.clock import WallClock
from surveyor.targets import load_target
from surveyor.targets.options import TargetOptions
from surveyor.targets.running import RunningTarget, run_target
from surveyor.targets.sweep import sweep_folder
from tests.account.conftest import ACCOUNT, TARGETS
from tests.account.kills import killed_run, list_resources, start_run, sweep, sweep_without_ledger

pytestmark = pytest.mark.soak  # each test starts an emulator

if TYPE_CHECKING:
    from tests.account.conftest import EmulatorAccount

RUN = "0123abcd"


Create = Callable[..., dict[str, Any]]


@pytest.fixture
def ledger(emulator: EmulatorAccount, tmp_path: Path) -> Iterator[Ledger]:
    """Return the ledger of a run in that account."""
    owner = Owner(RUN, "aws", ACCOUNT, "us-east-1", emulator.endpoint, "control")
    ledger = Ledger(tmp_path / "ledger-main.jsonl", owner)
    yield ledger
    ledger.close()


@pytest.fixture
def vpc(emulator: EmulatorAccount, ledger: Ledger) -> str:
    """Create a VPC that is in the ledger."""
    with run_target(emulator.target(), 7, ledger) as running:
        return str(running.clients.client("ec2", ACCOUNT).create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"])


@pytest.fixture
def running(ledger: Ledger) -> Iterator[RunningTarget]:
    """Run the same account on an embedded target with a controlled clock: waiting costs nothing."""
    with run_target(load_target("embedded", TARGETS, TargetOptions(account=ACCOUNT)), 7, ledger) as running:
        yield running


@pytest.fixture
def create(running: RunningTarget, ledger: Ledger) -> Create:
    """Return a function that makes a call with an entry in the ledger; with `lost`, without the answer's entry."""

    def call(service: str, operation: str, *, lost: bool = False, **params: Any) -> dict[str, Any]:
        if lost:
            ledger.record_result = lambda *_: None  # type: ignore[method-assign]  # the run died before it was written
        answer: dict[str, Any] = getattr(running.clients.client(service, ACCOUNT), operation)(**params)
        if lost:
            del ledger.record_result
        return answer

    return call


def swept(running: RunningTarget, ledger: Ledger) -> tuple[list[str], list[str]]:
    """Sweep, and return what it reported and what it left."""
    ledger.close()
    reported: list[str] = []
    left = sweep_folder(ledger.path.parent, running.target, lambda *_: nullcontext(running), reported.append)
    return reported, left


@pytest.mark.soak
@pytest.mark.parametrize("lost", [False, True])
def test_everything_of_a_run_is_deleted(running: RunningTarget, ledger: Ledger, create: Create, *, lost: bool) -> None:
    """Each kind of resource is found, by id or by the run's name and tag, and deleted; resources of others stay."""
    stranger = namespace_of(running, create("servicediscovery", "create_http_namespace", Name="stranger", Tags=[]))
    ledger.record_removed(ledger.count)
    before, name = list_resources(running.clients), f"surveyor-{RUN}-a"
    namespace = namespace_of(running, create("servicediscovery", "create_http_namespace", lost=lost, Name=name))
    service = create("servicediscovery", "create_service", lost=lost, Name=f"{name}-s", NamespaceId=namespace)[
        "Service"
    ]
    create("servicediscovery", "register_instance", ServiceId=service["Id"], InstanceId="i", Attributes={"a": "b"})
    zone = create("route53", "create_hosted_zone", lost=lost, Name=f"{name}.test", CallerReference=name)["HostedZone"]
    record = {"Name": f"a.{name}.test", "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    create("route53", "change_resource_record_sets", HostedZoneId=zone["Id"], ChangeBatch=batch)
    check = {"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 80}
    create("route53", "create_health_check", lost=lost, CallerReference=name, HealthCheckConfig=check)
    vpc = create("ec2", "create_vpc", lost=lost, CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = create("ec2", "create_subnet", lost=lost, VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    gateway = create("ec2", "create_internet_gateway", lost=lost)["InternetGateway"]["InternetGatewayId"]
    ec2 = running.clients.client("ec2", ACCOUNT)
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    main: Any = [{"Name": "vpc-id", "Values": [vpc]}]
    table = ec2.describe_route_tables(Filters=main)["RouteTables"][0]["RouteTableId"]
    create("ec2", "create_route", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    instance: Any = {"ImageId": "ami-12345678", "InstanceType": "t3.nano", "MinCount": 1, "MaxCount": 1}
    create("ec2", "run_instances", lost=lost, SubnetId=subnet, **instance)
    reported, left = swept(running, ledger)
    assert left == []
    assert (reported[0], len(reported[1:])) == (
        f"run {RUN}: 8 resources by its ledgers; deleting those that still exist",
        8,
    )
    assert list_resources(running.clients) == before
    assert stranger in before
    assert swept(running, ledger) == ([], [])


def namespace_of(running: RunningTarget, answer: dict[str, Any]) -> str:
    """Return the namespace that a create call created."""
    cloudmap = running.clients.client("servicediscovery", ACCOUNT)
    running.clock.wait(60)
    return str(cloudmap.get_operation(OperationId=answer["OperationId"])["Operation"]["Targets"]["NAMESPACE"])


def test_namespace_in_creation_is_waited_for(running: RunningTarget, ledger: Ledger, create: Create) -> None:
    """A run that died while its namespace was being created, answered or not, leaves none."""
    before = list_resources(running.clients)
    create("servicediscovery", "create_http_namespace", Name=f"surveyor-{RUN}-a")
    create("servicediscovery", "create_http_namespace", lost=True, Name=f"surveyor-{RUN}-b")
    assert swept(running, ledger)[1] == []
    running.clock.wait(600)
    assert list_resources(running.clients) == before


def test_default_namespace_of_a_cluster_in_creation_is_deleted(
    running: RunningTarget, ledger: Ledger, create: Create
) -> None:
    """ECS creates it for the cluster, so that no ledger has it; no list shows it when the cluster is deleted."""
    before, name = list_resources(running.clients), f"surveyor-{RUN}-c"
    create("ecs", "create_cluster", clusterName=name, serviceConnectDefaults={"namespace": f"{name}-default"})
    assert swept(running, ledger)[1] == []
    running.clock.wait(600)
    assert list_resources(running.clients) == before


@pytest.mark.soak
def test_resource_that_cannot_be_deleted_is_reported(running: RunningTarget, ledger: Ledger, create: Create) -> None:
    """A resource that remains is reported with the reason; a later sweep deletes it once nothing blocks it."""
    vpc = create("ec2", "create_vpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = create("ec2", "create_subnet", VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    ledger.record_removed(ledger.count)  # the subnet belongs to another user now
    other = create("ec2", "create_vpc", CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    reported, [line] = swept(running, ledger)
    assert reported[1:] == [f"deleted: VPC {other}"]
    assert line.startswith(f"VPC {vpc}: ")
    assert "DependencyViolation" in line
    running.clients.patient("ec2", "us-east-1").delete_subnet(SubnetId=subnet)
    assert swept(running, ledger)[1] == []


@pytest.mark.soak
def test_killed_runs_leave_nothing_after_a_sweep(emulator: EmulatorAccount, tmp_path: Path) -> None:
    """After runs killed without warning, early and late, a sweep deletes everything that they created."""
    before = list_resources(emulator.clients())
    for number, after in enumerate((3.0, 6.5)):
        out = tmp_path / str(number)
        killed_run(emulator, out, after)
        done = sweep(emulator, out)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        assert list_resources(emulator.clients()) == before


@pytest.mark.soak
def test_a_killed_run_is_swept_without_its_ledger(emulator: EmulatorAccount, tmp_path: Path) -> None:
    """Where its folder is lost as well, a sweep of the account finds all of it by its mark."""
    before = list_resources(emulator.clients())
    run = start_run(emulator, tmp_path / "run")
    WallClock().eventually(lambda: len(list_resources(emulator.clients())) > len(before), within=120)
    run.kill()
    printed, _ = run.communicate()
    shutil.rmtree(tmp_path / "run")
    done = sweep_without_ledger(emulator, printed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list_resources(emulator.clients()) == before


@pytest.mark.soak
def test_active_run_is_left_alone(emulator: EmulatorAccount, ledger: Ledger, vpc: str) -> None:
    """While the run's process lives, nothing is deleted: exit 4 and a line that says so."""
    done = sweep(emulator, ledger.path.parent)
    assert done.returncode == 4
    assert f"run {RUN} is still active (process" in done.stderr
    assert vpc in list_resources(emulator.clients())
    ledger.close()
    assert sweep(emulator, ledger.path.parent).returncode == 0


def change_owner(ledger: Ledger, **values: object) -> None:
    """Change the first line of a ledger."""
    head, *rest = ledger.path.read_text().splitlines(keepends=True)
    ledger.path.write_text(json.dumps(json.loads(head) | values) + "\n" + "".join(rest))


@pytest.mark.soak
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"host": "elsewhere"}, "it was started on elsewhere, at http://127.0.0.1:"),
        ({"account": "111111111111"}, "expected account 111111111111 (--account); the credentials are of account"),
        ({"target": "no-such"}, "unknown target 'no-such'"),
        ({"format": 9}, "is not a ledger that this version can read"),
    ],
)
def test_strange_ledgers_are_refused(
    emulator: EmulatorAccount, ledger: Ledger, vpc: str, values: dict[str, object], message: str
) -> None:
    """A ledger of another machine's endpoint, another account, target or format is refused in one line with exit 3."""
    ledger.close()
    change_owner(ledger, **values)
    done = sweep(emulator, ledger.path.parent)
    assert done.returncode == 3
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert vpc in list_resources(emulator.clients())
    change_owner(ledger, host=socket.gethostname(), account=ACCOUNT, target="aws", format=1)
    assert sweep(emulator, ledger.path.parent).returncode == 0
    assert read_ledger(ledger.path).existing == ()


def test_a_dry_run_by_ledgers_lists_and_calls_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It needs no credentials; exit 4 as long as something may be left, also of one run alone."""
    ledger = Ledger(tmp_path / "ledger-main.jsonl", Owner(RUN, "aws", ACCOUNT, "us-east-1", None))
    ledger.record_intent("servicediscovery", "CreateHttpNamespace", {"Name": "surveyor-0123abcd-n"}, "us-east-1")
    ledger.close()
    with pytest.raises(SystemExit, match="4"):
        main(["sweep", "--dry-run", str(tmp_path)])
    shown = capsys.readouterr()
    assert shown.out == f"run {RUN}: 1 resource by its ledgers would be deleted\n"
    assert shown.err == "left behind: namespace surveyor-0123abcd-n (may exist)\n"
    with pytest.raises(SystemExit, match="0"):
        main(["sweep", "--dry-run", "--run", "4567cdef", str(tmp_path)])
    assert capsys.readouterr().out == "nothing is left behind\n"
