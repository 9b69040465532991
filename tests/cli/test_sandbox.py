"""`surveyor sandbox`, `emulator --sandbox` and `conform --sandbox`."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from surveyor.clock import WallClock
from surveyor.report.file import load_report
from surveyor.sandbox import MARK, is_inside, try_parts
from tests.sandbox.conftest import await_none_in

pytestmark = pytest.mark.soak  # each test starts a program in a sandbox

COMMAND = (sys.executable, "-m", "surveyor")
FORBID = 'for kind in user net mnt; do echo 0 > /proc/sys/user/max_${kind}_namespaces; done; exec "$@"'

TASK_CLAIMS = (
    "ecs.dns.tasks-resolve-each-other",
    "ecs.registry.host-port-is-registered",
    "ecs.dns.ipv6-is-registered",
    "ecs.fault-injection.packet-loss-drops-a-share",
    "health.private.checks-private-addresses",
)
"""Of tasks on Fargate and on instances, in subnets with IPv4 and without."""


@pytest.fixture(autouse=True)
def _allowed() -> None:
    if problems := {part: problem for part, problem in try_parts().items() if problem}:
        pytest.skip(f"this machine allows no sandbox: {problems}")


def surveyor(*words: str, before: tuple[str, ...] = (), **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [*before, *COMMAND, *words], capture_output=True, text=True, timeout=120, check=False, **options
    )


def test_a_command_runs_in_a_sandbox_and_its_exit_code_is_passed_on() -> None:
    """Words behind the first belong to the command, also if they look like options."""
    done = surveyor(
        "sandbox", "--", "sh", "-c", 'echo "$@"; cat /etc/resolv.conf; exit 7', "sh", "--join", "1", "--help"
    )
    assert done.stdout.splitlines()[:2] == ["--join 1 --help", "nameserver 172.31.0.2"]
    assert (done.returncode, done.stderr) == (7, "")


@pytest.mark.soak
@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "a sandbox needs a command: surveyor sandbox -- COMMAND"),
        (["--", "no-such-program"], "'no-such-program' is no program that can be run"),
        (["--", ""], "'' is no program that can be run"),
        (["--", "/etc"], "'/etc' is no program that can be run"),
        (["--", "\x1b[31mred"], "'\\x1b[31mred' is no program that can be run"),
        (["--join", "4194305", "--", "true"], "there is no process 4194305"),
    ],
)
def test_what_cannot_be_run_is_one_line_and_2(words: list[str], line: str) -> None:
    """Nothing is entered, and nothing of a hostile name reaches the terminal."""
    done = surveyor("sandbox", *words)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"surveyor: {line}\n")


@pytest.mark.parametrize("pid", ["0", "-1", "x", "99999999999999999999999"])
def test_what_is_no_process_id_is_2(pid: str) -> None:
    """A number that no process has is refused in few lines."""
    done = surveyor("sandbox", "--join", pid, "--", "true")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_sandbox_in_a_sandbox_is_the_same_one() -> None:
    """A command that wants one is started as it is where it is in one."""
    text = "import os; print(os.stat('/proc/self/ns/net').st_ino)"
    inner = [*COMMAND, "sandbox", "--", sys.executable, "-c", text]
    done = surveyor("sandbox", "--", "sh", "-c", f'"$@"; {sys.executable} -c "{text}"', "sh", *inner)
    first, second = done.stdout.splitlines()
    assert first == second


def test_a_mark_that_was_copied_is_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable has the number of the network namespace; outside of it the variable means nothing."""
    monkeypatch.setenv(MARK, "4026531840000")
    assert not is_inside()
    monkeypatch.setenv(MARK, str(Path("/proc/self/ns/net").stat().st_ino))
    assert is_inside()
    monkeypatch.delenv(MARK)
    assert not is_inside()


@pytest.mark.soak
@pytest.mark.parametrize(
    "target",
    [
        ["moto"],
        ["http://127.0.0.1:9"],
        ["aws", "--account", "111122223333", "--region", "us-east-1"],
    ],
    ids=["moto", "URL", "aws"],
)
def test_only_the_embedded_target_runs_in_a_sandbox(target: list[str]) -> None:
    """From inside no other target could be reached."""
    done = surveyor("conform", "--sandbox", "--target", *target)
    assert done.returncode == 2
    assert "--sandbox goes with the embedded target, not with" in done.stderr


def test_where_no_sandbox_is_allowed_a_run_is_3_and_writes_nothing(tmp_path: Path) -> None:
    """One line says which setting forbids it; no report is begun."""
    done = surveyor(
        *("conform", "--sandbox", "--claim", "listing.namespace-filters", "--out", str(tmp_path / "out")),
        before=("unshare", "-Ur", "sh", "-c", FORBID, "sh"),
    )
    assert (done.returncode, done.stdout) == (3, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("surveyor: a sandbox cannot be made here: namespaces: ")
    assert "user.max_user_namespaces=0 (an administrator" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.soak
def test_a_run_in_a_sandbox_judges_claims_about_tasks(tmp_path: Path) -> None:
    """Tasks have addresses of their subnets there, and the suites that call them pass with two workers."""
    done = surveyor(
        *("conform", "--sandbox", "--workers", "2", "--out", str(tmp_path / "out")),
        *(word for claim in TASK_CLAIMS for word in ("--claim", claim)),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [claim.verdict for claim in load_report(tmp_path / "out" / "report.json").claims] == ["pass"] * len(
        TASK_CLAIMS
    )


@contextlib.contextmanager
def emulator(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Run `surveyor emulator --sandbox`; yield its process, and what it prints by name, with `join`: a process id."""
    with subprocess.Popen(
        [*COMMAND, "emulator", "--sandbox", *options], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        settings = {}
        for line in process.stdout:
            name, _, value = line.strip().removeprefix("export ").partition("=")
            settings[name] = value
            if line.startswith("surveyor sandbox --join "):
                settings["join"] = line.split()[3]
                break
        try:
            yield process, settings
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def client(settings: dict[str, str], service: str) -> Any:
    """Return a client with the printed settings."""
    make: Any = boto3.client  # its overloads name each service
    return make(
        service,
        endpoint_url=settings["AWS_ENDPOINT_URL"],
        region_name=settings["AWS_DEFAULT_REGION"],
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
        config=Config(inject_host_prefix=False),
    )


def start_service(settings: dict[str, str], count: int) -> list[str]:
    """Start tasks that are found as web.corp.internal; return their addresses once all are registered."""
    ecs, cloudmap = client(settings, "ecs"), client(settings, "servicediscovery")
    subnet = client(settings, "ec2").describe_subnets()["Subnets"][0]
    operation = cloudmap.create_private_dns_namespace(Name="corp.internal", Vpc=subnet["VpcId"])["OperationId"]
    clock = WallClock()
    clock.eventually(
        lambda: cloudmap.get_operation(OperationId=operation)["Operation"]["Status"] == "SUCCESS", within=30
    )
    namespace = cloudmap.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"]
    registry = cloudmap.create_service(
        Name="web", NamespaceId=namespace, DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 5}]}
    )["Service"]
    ecs.create_cluster(clusterName="shop")
    ecs.register_task_definition(
        family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[{
            "name": "web", "image": "python", "portMappings": [{"containerPort": 80}],
            "command": ["python", "-m", "http.server", "--bind", "0.0.0.0", "80"],
        }],
    )  # fmt: skip
    ecs.create_service(
        cluster="shop", serviceName="web", taskDefinition="web", desiredCount=count, launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet["SubnetId"]]}},
        serviceRegistries=[{"registryArn": registry["Arn"]}],
    )  # fmt: skip

    def addresses() -> list[str]:
        found = cloudmap.discover_instances(NamespaceName="corp.internal", ServiceName="web")["Instances"]
        return [instance["Attributes"]["AWS_INSTANCE_IPV4"] for instance in found]

    clock.eventually(lambda: len(addresses()) == count, within=60)
    network = ipaddress.ip_network(subnet["CidrBlock"])
    assert all(ipaddress.ip_address(address) in network for address in addresses())
    free = client(settings, "ec2").describe_subnets()["Subnets"][0]["AvailableIpAddressCount"]
    assert free == network.num_addresses - 5 - count
    return addresses()


@pytest.mark.soak
def test_tasks_of_the_emulator_are_reached_from_inside_only() -> None:
    """The endpoint is outside, names and tasks are not: a command that joins finds them by the system's resolver."""
    with emulator("--scale", "10") as (process, settings):
        addresses = start_service(settings, 2)
        program = (
            "import socket, urllib.request\n"
            "print(*sorted({found[4][0] for found in socket.getaddrinfo('web.corp.internal', 80)}))\n"
            "print(urllib.request.urlopen('http://web.corp.internal', timeout=5).status)\n"
        )
        WallClock().eventually(
            lambda: (
                surveyor("sandbox", "--join", settings["join"], "--", sys.executable, "-c", program).stdout
                == f"{' '.join(sorted(addresses))}\n200\n"
            ),
            within=20,
        )
        where = urllib.request.Request(
            f"{settings['AWS_ENDPOINT_URL']}/_surveyor/name-servers",
            headers={"Authorization": f"Bearer {settings['SURVEYOR_TOKEN']}"},
        )
        with urllib.request.urlopen(where) as answer:
            assert json.load(answer) == {"address": "198.51.100.1", "port": 53}
        ask = (
            "import dns.message, dns.query, dns.rcode\n"
            "question = dns.message.make_query('example.org', 'A')\n"
            "print(dns.rcode.to_text(dns.query.udp(question, '198.51.100.1', 5).rcode()))\n"
        )
        asked = surveyor("sandbox", "--join", settings["join"], "--", sys.executable, "-c", ask)
        assert asked.stdout == "REFUSED\n", asked.stderr
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for address in addresses:
            with pytest.raises(OSError):  # noqa: PT011  # whatever the network outside says about the address
                direct.open(f"http://{address}/", timeout=2)
        network = Path(f"/proc/{settings['join']}/ns/net").stat().st_ino
        process.kill()
        process.wait()
    await_none_in(network)


def test_ctrl_c_ends_the_emulator_and_its_sandbox() -> None:
    """The exit code is 130, as without a sandbox."""
    with emulator() as (process, settings):
        assert client(settings, "servicediscovery").list_namespaces()["Namespaces"] == []
        network = Path(f"/proc/{settings['join']}/ns/net").stat().st_ino
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 130
    await_none_in(network)


@pytest.mark.soak
def test_the_emulator_says_what_is_wrong_with_its_options() -> None:
    """A port in use is 3; an option that is wrong is 2, in the words of the emulator."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        done = surveyor("emulator", "--sandbox", "--port", str(port))
    assert (done.returncode, done.stderr) == (
        3,
        f"surveyor: cannot listen for HTTP on 127.0.0.1:{port}: Address already in use\n",
    )
    for words in (["--port", "x"], ["--port", "70000"], ["--no-such"], ["--host", ""]):
        done = surveyor("emulator", "--sandbox", *words)
        assert done.returncode in (2, 3), words
        assert "Traceback" not in done.stderr
    helped = surveyor("emulator", "--sandbox", "--help")
    assert helped.returncode == 0
    assert "--sandbox" in helped.stdout


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["--sandbox"], 2, "--sandbox is an option of `surveyor emulator`, which makes the sandbox"),
        (["--set", "task_addresses=subnet"], 3, "task_addresses=subnet needs a network of its tasks"),
        (["--set", "task_addresses=here"], 2, "expected loopback, subnet"),
        (["--outside", "99"], 3, "cannot listen for HTTP"),
        (["--outside", "x"], 2, "argument --outside"),
    ],
)
def test_the_target_alone_refuses_what_needs_a_sandbox(words: list[str], code: int, line: str) -> None:
    """One line says what to do instead."""
    command = [sys.executable, "-m", "surveyor_emulator", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
