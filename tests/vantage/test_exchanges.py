"""A vantage on an embedded target: batches, forged messages, ends and replacements, and what reaches it."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import dns.message
import dns.rcode
import pytest
from botocore import auth
from botocore.credentials import Credentials
from msgspec.structs import replace

from surveyor.dns import exchange_messages, query_server, query_server_repeatedly
from surveyor.errors import CredentialsEnded, FeatureLacking, Inconclusive
from surveyor.evidence import Evidence
from surveyor.targets.task_networks import open_network
from surveyor.vantage.task import key_of, why_ended
from surveyor_agents import vantage as program
from tests.account.conftest import ACCOUNT
from tests.vantage.conftest import RUN, Place

pytestmark = pytest.mark.soak

NAME = f"web.surveyor-{RUN}-ns.test"


def test_many_questions_are_one_exchange(place: Place) -> None:
    """400 questions are one command and one answer; each is evidence."""
    server, before = place.vantages.resolver(place.vpc), place.vantages.exchanges
    evidence = Evidence()
    answers = query_server_repeatedly(NAME, "A", server, 400, evidence=evidence)
    assert len(answers) == 400
    assert place.vantages.exchanges == before + 1
    assert len(evidence.entries()) == 1  # equal ones in a row are one


def test_a_question_is_answered_as_from_a_machine_inside(place: Place) -> None:
    """Over UDP and over TCP; several messages go over one connection."""
    server = place.vantages.resolver(place.vpc)
    assert query_server(NAME, "A", server).rcode() == query_server(NAME, "A", server, tcp=True).rcode()
    wire = dns.message.make_query(NAME, "A").to_wire()
    framed = len(wire).to_bytes(2, "big") + wire
    [received] = exchange_messages(server, [framed + framed, None, None], name=NAME, tcp=True)
    assert [dns.message.from_wire(message).id for message in received] == [dns.message.from_wire(wire).id] * 2


def test_what_the_vantage_refuses_is_not_judged(place: Place) -> None:
    """A question that it may not send lacks a feature; it is no answer of AWS."""
    with pytest.raises(FeatureLacking, match="is no address of a task"):
        place.vantage.ask(
            place.vantages.resolver(place.vpc).__class__("169.254.169.254", 53), [b"x", None],
            name=NAME, tcp=False, timeout=1, times=1,
        )  # fmt: skip


def test_forged_and_repeated_commands_are_refused(place: Place) -> None:
    """What another program puts into the mailbox is never carried out, and the run's own command still is."""
    vantage, s3, bucket = place.vantage, place.client("s3"), place.vantages.main.bucket
    vantage.exchange([question()], 5)
    state = vantage._read()
    assert state.task is not None
    session, number = state.task.session, state.number
    answer = vantage._mailbox.url("PUT", f"{session}/answer/{number}")
    forged = {"number": number, "verbs": [question()], "answer": answer, "next": answer}
    messages = (
        program.seal(bytes(32), "command", forged),
        program.seal(key_of(session), "answer", forged),
        s3.get_object(Bucket=bucket, Key=f"{session}/command/{number - 1}")["Body"].read(),
        b"",
        b"\xff" * 5_000,
        program.seal(key_of("another"), "command", forged),
    )
    for message in messages:
        s3.put_object(Bucket=bucket, Key=f"{session}/command/{number}", Body=message)
        place.running.clock.wait(10)
        assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix=f"{session}/answer/{number}")
    assert vantage.exchange([question()], 5)[0]["rounds"]
    assert vantage._read().task == state.task


def test_forged_answers_are_not_believed(place: Place) -> None:
    """An answer that others put there before the vantage is waited over."""
    vantage, s3, bucket = place.vantage, place.client("s3"), place.vantages.main.bucket
    state = vantage._read()
    assert state.task is not None
    fake = program.seal(bytes(32), "answer", {"number": state.number, "results": [{"rounds": []}]})
    s3.put_object(Bucket=bucket, Key=f"{state.task.session}/answer/{state.number}", Body=fake)
    assert vantage.exchange([question()], 5)[0]["rounds"] != []


def test_nothing_reaches_the_vantage(place: Place) -> None:
    """Its task has no role, its group lets nothing in, its process listens nowhere."""
    ecs, ec2 = place.client("ecs"), place.client("ec2")
    task = place.vantage.begin()
    [described] = ecs.describe_tasks(cluster=task.cluster, tasks=[task.arn])["tasks"]
    definition = ecs.describe_task_definition(taskDefinition=described["taskDefinitionArn"])["taskDefinition"]
    assert "taskRoleArn" not in definition
    assert "executionRoleArn" not in definition
    assert "taskRoleArn" not in described.get("overrides", {})
    groups = place.vantages.main.groups
    found = ec2.describe_security_groups(GroupIds=[groups["vantage"], groups["tasks"]])["SecurityGroups"]
    ingress = {group["GroupId"]: group["IpPermissions"] for group in found}
    assert ingress[groups["vantage"]] == []
    sources = {pair["GroupId"] for rule in ingress[groups["tasks"]] for pair in rule["UserIdGroupPairs"]}
    assert sources == {groups["vantage"], groups["tasks"]}
    assert not any(rule.get("IpRanges") or rule.get("Ipv6Ranges") for rule in ingress[groups["tasks"]])
    assert listening_at(task.address) == []


def test_a_task_that_was_killed_is_replaced(place: Place) -> None:
    """Questions are asked again by a new task; a request that changes something is not sent twice."""
    vantage, control = place.vantage, place.running.control
    assert control is not None
    first = vantage.begin()
    control.signal(first.arn, "KILL")
    assert vantage.exchange([question()], 5)[0]["rounds"]
    second = vantage.begin()
    assert second.arn != first.arn
    assert "exited" in str(why_ended(place.running, first))
    forgotten = replace(first, arn=f"{first.arn[:-4]}0000")
    assert "does not describe it any more" in str(why_ended(place.running, forgotten))
    assert why_ended(place.running, replace(forgotten, address="")) is None  # it has just been started
    control.signal(second.arn, "KILL")
    with pytest.raises(Inconclusive, match=r"gave no answer: .*exited"):
        vantage.exchange([{"verb": "http", "url": "http://127.16.255.1:1/", "method": "PUT"}], 5)
    assert vantage.exchange([question()], 5)[0]["rounds"]


def test_a_vantage_ends_with_its_urls(place: Place) -> None:
    """URLs that expired end the task, which says so; the next command starts another one."""
    vantage = place.vantage
    with mock.patch("surveyor.vantage.mailbox._EXPIRES", 3):
        vantage.exchange([question()], 5)
    task = vantage.begin()
    why = place.running.clock.eventually(lambda: why_ended(place.running, task), within=900)
    assert "presigned URLs of its mailbox are not valid any more" in why
    assert vantage.exchange([question()], 5)[0]["rounds"]


def test_a_vantage_ends_by_itself(place: Place) -> None:
    """Without a command for long; a later command starts another one."""
    vantage, control = place.vantage, place.running.control
    assert control is not None
    control.signal(vantage.begin().arn, "KILL")
    with mock.patch("surveyor.vantage.task.IDLE", 120.0):
        vantage.exchange([question()], 5)
        task, began = vantage.begin(), place.running.clock.now()
        why = place.running.clock.eventually(lambda: why_ended(place.running, task), within=900)
        assert "it ended by itself" in why
        assert place.running.clock.now() - began > 100
    assert vantage.exchange([question()], 5)[0]["rounds"]


@pytest.mark.parametrize("minutes", [30, -400])
def test_a_wrong_clock_is_not_judged(place: Place, minutes: int) -> None:
    """A clock that is set in mid-run makes URLs that S3 refuses: the reason names the clock, and nothing is judged."""
    right: Callable[..., datetime] = vars(auth)["get_current_datetime"]

    def wrong(*arguments: object, **named: object) -> datetime:
        return right(*arguments, **named) + timedelta(minutes=minutes)

    with (
        mock.patch.object(auth, "get_current_datetime", wrong),
        pytest.raises(Inconclusive, match="AccessDenied: this machine's clock is wrong"),
    ):
        place.vantage.exchange([question()], 5)
    assert place.vantage.exchange([question()], 5)[0]["rounds"]


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_clock_that_is_ten_minutes_wrong_is_no_obstacle(place: Place, minutes: int) -> None:
    """S3 takes URLs of a clock that is a quarter of an hour ahead, and those of the past as long as they are valid."""
    right: Callable[..., datetime] = vars(auth)["get_current_datetime"]

    def wrong(*arguments: object, **named: object) -> datetime:
        return right(*arguments, **named) + timedelta(minutes=minutes)

    task = place.vantage.begin()
    with mock.patch.object(auth, "get_current_datetime", wrong):
        for _ in range(3):
            assert place.vantage.exchange([question()], 5)[0]["rounds"]
    assert place.vantage.begin() == task


def test_a_vantage_ends_with_the_credentials_of_its_urls(place: Place) -> None:
    """URLs of a session end with it: the task says so, and the run ends with the reason."""
    running, vantage = place.running, place.vantage
    session = place.client("sts").get_session_token(DurationSeconds=900)["Credentials"]
    ended = Credentials(session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    with (
        mock.patch.object(running.clients, "credentials", return_value=ended),
        mock.patch.object(running.clients.own, "ended", running.clients.own and running.clients.own.ended),
    ):
        assert vantage.exchange([question()], 5)[0]["rounds"]
        task = vantage.begin()
        why = running.clock.eventually(lambda: why_ended(running, task), within=2_400)
        assert "presigned URLs of its mailbox are not valid any more" in why
        with pytest.raises(CredentialsEnded, match="s3 answered ExpiredToken"):
            vantage.exchange([question()], 5)
    assert vantage.exchange([question()], 5)[0]["rounds"]


def test_a_vantage_outlives_the_subnets_of_tests(place: Place) -> None:
    """In a VPC of a test it has its own subnet, and uses a gateway that is there."""
    ec2 = place.running.clients.client("ec2", ACCOUNT)
    vpc = ec2.create_vpc(CidrBlock="10.66.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.66.0.0/24")["Subnet"]["SubnetId"]
    gateway = open_network(ec2, place.running.clock, vpc)
    assert place.vantages.at(vpc).exchange([question()], 5)[0]["rounds"]
    ec2.delete_subnet(SubnetId=subnet)
    assert place.vantages.at(vpc).exchange([question()], 5)[0]["rounds"]
    attached = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
    [found] = ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]
    assert found["InternetGatewayId"] == gateway


def test_this_process_reaches_the_endpoint_only(place: Place) -> None:
    """A call from here fails, so that what passes in these tests went through the vantage."""
    with pytest.raises(TimeoutError, match="outside"):
        socket.create_connection((place.vantage.begin().address, 8080), 1)


def test_servers_are_for_health_checkers_only(place: Place) -> None:
    """A server is another task with a public address; its group admits Route 53's checkers and nothing else."""
    address, port, ask = place.vantages.serve(0)
    answer = {"status": 204, "after": 0.0, "body": "", "body_after": 0.0, "healthy_for": None, "wall": 0.1}
    ask({"answer": answer})
    config = {"Type": "HTTP", "IPAddress": address, "Port": port, "ResourcePath": "/alive", "RequestInterval": 10}
    route53 = place.client("route53")
    check = route53.create_health_check(CallerReference="served", HealthCheckConfig=config)["HealthCheck"]["Id"]
    seen = place.running.clock.eventually(lambda: ask({}) if ask({})["paths"] else None, within=120)
    assert set(seen["paths"]) == {"/alive"}
    assert set(seen["hosts"]) == {f"{address}:{port}"}
    route53.delete_health_check(HealthCheckId=check)
    assert ask({"forget": True, "refuse": True}) == {"sources": [], "paths": [], "hosts": []}
    names = [{"Name": "group-name", "Values": [f"surveyor-{RUN}-served-*"]}]
    [group] = place.client("ec2").describe_security_groups(Filters=names)["SecurityGroups"]
    [rule] = group["IpPermissions"]
    assert (rule["FromPort"], rule["ToPort"], len(rule["PrefixListIds"])) == (9000, 9999, 1)
    assert not rule.get("IpRanges")
    assert place.vantages.serve(0)[1] == port + 1  # a check that is left over probes no other test's server


def test_a_deleted_mailbox_is_not_judged(place: Place) -> None:
    """The reason is S3's; the task ends by itself and says why."""
    vantage, s3, bucket = place.vantage, place.client("s3"), place.vantages.main.bucket
    task = vantage.begin()
    for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        s3.delete_object(Bucket=bucket, Key=entry["Key"])
    s3.delete_bucket(Bucket=bucket)
    with pytest.raises(Inconclusive, match=r"mailbox.*NoSuchBucket"):
        vantage.exchange([question()], 5)
    why = place.running.clock.eventually(lambda: why_ended(place.running, task), within=900)
    assert "its mailbox was deleted" in why


def question() -> dict[str, Any]:
    """Return a question that any resolver answers."""
    wire = base64.b64encode(dns.message.make_query(NAME, "A").to_wire()).decode()
    return {"verb": "dns", "server": "", "port": 53, "name": NAME, "steps": [wire, None]}


def listening_at(address: str) -> list[str]:
    """Return the lines of /proc/net/tcp with sockets that listen at an address of this machine."""
    octets = address.split(".")
    number = "".join(f"{int(octet):02X}" for octet in reversed(octets))
    lines = Path("/proc/net/tcp").read_text("utf-8").splitlines()[1:]
    return [line for line in lines if line.split()[1].startswith(number) and line.split()[3] == "0A"]
