"""What an account refuses for reasons that are no behaviour of a service is no fail; some calls are made again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.session import Session

from surveyor.account.refusals import (
    OWN,
    denial_advice,
    describe_denial,
    names_quota,
    reason_in_short,
    require_available,
)
from surveyor.errors import TargetUnavailable, Unavailable, WrongAnswer
from surveyor.evidence import Evidence
from surveyor.pytest_plugin.verdict_rules import JudgeContext, judge
from surveyor.targets.clients import Clients
from surveyor.targets.probes import Probe, probes_of
from surveyor.targets.retries import repeat_failed_calls
from surveyor.verdicts import Verdict
from tests.account.conftest import ACCOUNT, EmulatorAccount
from tests.account.limited import deny, limited

CONTEXT = JudgeContext(Path("/suites"), frozenset(), False, lambda: None, account=True)


def refusal(code: str, status: int = 400, *, own: bool = True, message: str = "because") -> ClientError:
    """Return the error with which CreateVpc was refused."""
    metadata: Any = {"HTTPStatusCode": status, OWN: own}
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, "CreateVpc")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refusal("VpcLimitExceeded"), "CreateVpc met a quota of the account: free some, or have it raised"),
        (refusal("ResourceLimitExceeded"), "met a quota of the account"),
        (refusal("TooManyHostedZones"), "met a quota of the account"),
        (refusal("InvalidParameterException", message="the quota of namespaces is exhausted"), "met a quota"),
        (refusal("ClientException", message="You've reached the limit on the number of tasks"), "met a quota"),
        (refusal("UnauthorizedOperation", 403), "the run may not call CreateVpc (because)"),
        (refusal("AccessDeniedException"), "the run may not call CreateVpc"),
        (refusal("OptInRequired", 401), "is not enabled in the account"),
        (refusal("ServiceUnavailable", 503), "could not be answered now"),
        (refusal("Unknown", 500), "could not be answered now"),
        (refusal("PriorRequestNotComplete"), "could not be answered now"),
        (refusal("Throttling"), "throttled by CreateVpc"),
        (ConnectionClosedError(endpoint_url="https://x"), "none arrived"),
    ],
)
def test_reasons_of_the_account_are_inconclusive(error: Exception, words: str) -> None:
    """The cause and the cure are in the detail; also where the suite expected another error."""
    assert judge(error, "test", "call", CONTEXT).verdict is Verdict.INCONCLUSIVE
    assert words in judge(error, "test", "call", CONTEXT).detail
    other = WrongAnswer("expected NamespaceNotFound", actual="refused with another")
    other.__cause__ = error
    assert judge(other, "test", "call", CONTEXT).verdict is Verdict.INCONCLUSIVE


def test_a_call_without_an_answer_is_named() -> None:
    """The line has the operation of the last call, which is the one that got none."""
    latest: Any = {"kind": "call", "service": "ecs", "operation": "CreateService"}
    error = ConnectionClosedError(endpoint_url="https://x")
    detail = judge(error, "test", "call", replace(CONTEXT, latest=latest)).detail
    assert detail.startswith("ecs:CreateService: expected an answer, and none arrived: ConnectionClosedError")
    assert detail.endswith("try again later")


@pytest.mark.parametrize(
    "error",
    [
        refusal("InvalidInput"),
        refusal("InvalidInput", message="the quota of attributes is exceeded"),
        refusal("InvalidParameterException"),
        refusal("AccessDenied", own=False),
        refusal("UnauthorizedOperation", own=False),
    ],
)
def test_what_a_service_refuses_is_a_fail(error: ClientError) -> None:
    """An invalid request is a fail, and so is what a user of the test may not do: that is about IAM."""
    assert judge(error, "test", "call", CONTEXT).verdict is Verdict.FAIL


@pytest.mark.parametrize("code", ["VpcLimitExceeded", "AccessDenied", "ServiceUnavailable", "InternalFailure"])
def test_elsewhere_all_of_them_are_fails(code: str) -> None:
    """A target whose accounts are the run's has no quotas in use and no moments of failure."""
    assert judge(refusal(code, 503), "test", "call", replace(CONTEXT, account=False)).verdict is Verdict.FAIL


class Answers:
    """A server that gives these answers in turn: (status, document), or None for a closed connection."""

    def __init__(self, *answers: tuple[int, dict[str, Any] | str] | None) -> None:
        self.answers, self.count = list(answers), 0

    def __call__(self, **sent: Any) -> Any:
        """Answer a request instead of sending it."""
        self.count += 1
        request, answer = sent["request"], self.answers.pop(0)
        if answer is None:
            raise ConnectionClosedError(endpoint_url=request.url)
        raw = type(
            "Raw",
            (),
            {
                "stream": lambda *_: iter(
                    [answer[1].encode() if isinstance(answer[1], str) else json.dumps(answer[1]).encode()]
                )
            },
        )()
        headers: Any = {"Content-Type": "application/x-amz-json-1.1"}
        return AWSResponse(request.url, answer[0], headers, raw)


def client(service: str, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a client that repeats calls without waiting."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    session = Session()
    session.register("before-send", answers)
    repeat_failed_calls(session)
    return session.create_client(
        service, region_name="us-east-1", endpoint_url="http://127.0.0.1:9", aws_access_key_id="1",
        aws_secret_access_key="2", config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip


DOWN = (500, {"__type": "InternalFailure"})
MISSING = (400, "<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code></Error></Errors></Response>")
NO_CLUSTER = (400, {"__type": "ClusterNotFoundException"})
BUSY = (400, {"__type": "ThrottlingException"})
Act = Callable[[Any], Any]


@pytest.mark.parametrize(
    ("service", "act", "answers"),
    [
        ("servicediscovery", lambda c: c.list_namespaces(), [DOWN, None, (200, {"Namespaces": []})]),
        ("servicediscovery", lambda c: c.create_http_namespace(Name="n"), [DOWN, None, (200, {"OperationId": "o"})]),
        ("servicediscovery", lambda c: c.delete_namespace(Id="n"), [BUSY] * 5 + [(200, {"OperationId": "o"})]),
        ("ecs", lambda c: c.describe_clusters(), [None, DOWN, (200, {"clusters": []})]),
        ("ecs", lambda c: c.run_task(taskDefinition="t"), [BUSY, (200, {"tasks": []})]),
        ("sqs", lambda c: c.receive_message(QueueUrl="q"), [DOWN, (200, {"Messages": []})]),
        ("sqs", lambda c: c.delete_message(QueueUrl="q", ReceiptHandle="r"), [None, (200, {})]),
        ("ecs", lambda c: c.tag_resource(resourceArn="a", tags=[]), [DOWN, (200, {})]),
        (
            "route53resolver",
            lambda c: c.update_firewall_domains(FirewallDomainListId="a", Operation="REPLACE", Domains=["b"]),
            [DOWN, (200, {})],
        ),
        ("ec2", lambda c: c.describe_vpcs(VpcIds=["vpc-1"]), [MISSING, MISSING, (200, "<R><vpcSet/></R>")]),
        ("ec2", lambda c: c.create_subnet(VpcId="vpc-1"), [MISSING, MISSING, (200, "<R><subnet/></R>")]),
        ("ecs", lambda c: c.run_task(cluster="c", taskDefinition="t"), [NO_CLUSTER, (200, {"tasks": []})]),
    ],
)
def test_calls_are_made_again(
    monkeypatch: pytest.MonkeyPatch, service: str, act: Act, answers: list[tuple[int, dict[str, Any] | str] | None]
) -> None:
    """Reads and creations with a token after a failure, every call after it was throttled."""
    server = Answers(*answers)
    assert act(client(service, server, monkeypatch))["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert server.count == len(answers)


@pytest.mark.parametrize(
    ("service", "act", "answer"),
    [
        ("servicediscovery", lambda c: c.delete_namespace(Id="n"), DOWN),
        ("ecs", lambda c: c.create_cluster(clusterName="c"), DOWN),
        ("servicediscovery", lambda c: c.list_namespaces(), (400, {"__type": "InvalidInput"})),
        ("ec2", lambda c: c.delete_vpc(VpcId="vpc-1"), MISSING),
        ("ecs", lambda c: c.delete_cluster(cluster="c"), NO_CLUSTER),
        pytest.param("ec2", lambda c: c.describe_vpcs(VpcIds=[f"vpc-{0:017}"]), MISSING, id="a trial"),
        (
            "servicediscovery",
            lambda c: c.discover_instances(NamespaceName="n", ServiceName="s"),
            (429, {"__type": "RequestLimitExceeded"}),
        ),
    ],
)
def test_other_calls_are_made_once(
    monkeypatch: pytest.MonkeyPatch, service: str, act: Act, answer: tuple[int, dict[str, Any] | str]
) -> None:
    """A repeated creation could make a second resource, rates of discovery are tested, and a trial is for nothing."""
    server = Answers(*[answer] * 9)
    with pytest.raises(ClientError):
        act(client(service, server, monkeypatch))
    assert server.count == 1


@pytest.mark.parametrize(
    "probe",
    {probe.service: probe for probe in probes_of("0123abcd", ACCOUNT, "us-east-1")}.values(),
    ids=lambda probe: f"{probe.service}-{probe.method}",
)
def test_a_check_of_permissions_is_made_again(monkeypatch: pytest.MonkeyPatch, probe: Probe) -> None:
    """A moment of failure does not refuse a run: none of these calls changes anything."""
    text = {
        "servicediscovery": '{"__type": "%s"}',
        "ecs": '{"__type": "%s"}',
        "route53": "<ErrorResponse><Error><Code>%s</Code></Error></ErrorResponse>",
        "iam": "<ErrorResponse><Error><Code>%s</Code></Error></ErrorResponse>",
        "ec2": "<Response><Errors><Error><Code>%s</Code></Error></Errors></Response>",
    }[probe.service]
    server = Answers((500, text % "InternalFailure"), None, (400, text % "AccessDenied"))
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(client(probe.service, server, monkeypatch), probe.method)(**probe.params)
    assert server.count == 3


def test_credentials_that_are_not_valid_any_more_end_the_run(
    emulator: EmulatorAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first call that is refused for it raises TargetUnavailable, and later tests learn the reason."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "ended")
    clients = emulator.clients()
    with pytest.raises(TargetUnavailable, match="the credentials of the run are no longer valid: servicediscovery"):
        clients.client("servicediscovery", "").list_namespaces()
    assert "no longer valid" in str(clients.silence())


@pytest.mark.parametrize(("code", "status"), [("ServiceUnavailable", 503), ("InternalFailure", 500), ("", 502)])
def test_a_moment_of_failure_is_no_refusal(code: str, status: int) -> None:
    """A test that expects a call to be refused, and takes any error for it, is inconclusive."""
    with pytest.raises(Unavailable, match="CreateVpc could not be answered now") as error:
        require_available("ec2:CreateVpc", {"Error": {"Code": code, "Message": "later"}}, status)
    judged = judge(error.value, "test", "call", CONTEXT)
    assert (judged.verdict, judged.symptom) == (Verdict.INCONCLUSIVE, f"test: unavailable: {code}")
    require_available("ec2:CreateVpc", {"Error": {"Code": "VpcLimitExceeded"}}, 400)


def test_a_repeated_call_that_meets_its_first_attempt_is_no_refusal() -> None:
    """The first attempt of an update was executed, though its answer was lost."""
    answer = {"Error": {"Code": "DuplicateRequest", "Message": "another operation is in progress"}}
    require_available("servicediscovery:UpdateHttpNamespace", answer, 400)
    with pytest.raises(Unavailable, match="UpdateHttpNamespace was repeated after a missing answer"):
        require_available("servicediscovery:UpdateHttpNamespace", answer, 400, repeated=True)


def test_a_session_that_ended_during_a_test_is_no_refusal() -> None:
    """A session of a test lasts for a while only; a slow test that expects another refusal is inconclusive."""
    ended = ClientError(
        {"Error": {"Code": "ExpiredTokenException", "Message": "it has expired"}}, "CreateHttpNamespace"
    )
    wrong = WrongAnswer("refused with ExpiredTokenException, expected AccessDeniedException", actual="refused")
    wrong.__cause__ = ended
    assert judge(wrong, "test", "call", CONTEXT).verdict is Verdict.INCONCLUSIVE


def test_calls_that_a_test_signs_say_nothing_of_the_run(emulator: EmulatorAccount) -> None:
    """Tests of signatures use keys that do not exist, with clients of the run."""
    clients = emulator.clients()
    client = clients.client("route53", "")

    def sign(context: dict[str, Any], **_: object) -> None:
        context["signing"] = {**context.get("signing", {}), "request_credentials": Credentials("AKIAUNKNOWN", "secret")}

    client.meta.events.register_last("before-call", sign)
    with pytest.raises(ClientError) as refusal:
        client.list_hosted_zones()
    assert refusal.value.response["Error"]["Code"] == "InvalidClientTokenId"
    assert clients.silence() is None


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("with an explicit deny in a service control policy", "a service control policy denies it, and no policy"),
        ("because no VPC endpoint policy allows the ec2:CreateVpc action", "a VPC endpoint policy denies it"),
        ("because no permissions boundary allows the ec2:CreateVpc action", "a permissions boundary denies it"),
        ("with an explicit deny in an identity-based policy", "change that statement"),
        ("because no identity-based policy allows the ec2:CreateVpc action", "allow it"),
    ],
)
def test_advice_on_a_denial_follows_from_its_reason(reason: str, advice: str) -> None:
    """An allow is no advice where a policy of another sets the limit."""
    assert advice in denial_advice(f"User: arn:x is not authorized to perform: ec2:CreateVpc {reason}")


def test_a_test_whose_call_was_denied_blames_nothing_else() -> None:
    """A test that expects a refusal may take a denial for one, and then compare its code."""
    denied = ("not permitted: route53:ChangeResourceRecordSets", "the run may not call it: allow it")
    verdict = judge(
        WrongAnswer("got 'AccessDenied'", "another error"), "test_a", "call", replace(CONTEXT, denied=denied)
    )
    assert (verdict.verdict, verdict.symptom) == (Verdict.INCONCLUSIVE, f"test_a: {denied[0]}")
    assert verdict.detail == denied[1]


def test_the_first_denied_call_of_a_test_is_noted(emulator: EmulatorAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only of the credentials of the run, and until the test has ended."""
    environment = limited(emulator, deny("servicediscovery:GetNamespace", "servicediscovery:GetService"))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    clients = Clients(emulator.target(), emulator.endpoint, Evidence())
    cloudmap = clients.client("servicediscovery", ACCOUNT)
    for read in (cloudmap.get_namespace, cloudmap.get_service):
        with pytest.raises(ClientError):
            read(Id="ns-1" if read is cloudmap.get_namespace else "srv-1")
    assert clients.denied is not None
    assert clients.denied[0] == "not permitted: servicediscovery:GetNamespace"
    clients.recycle()
    assert clients.denied is None


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (
            "account 1 has 200 active health checks (Error Code: TooManyHealthChecks; Request ID: 1)",
            "TooManyHealthChecks",
        ),
        ("ResourceLimitExceeded", "ResourceLimitExceeded"),
        ("the zone has TooManyHealthChecksOfMine", ""),
        ("", ""),
    ],
)
def test_operations_name_the_quota_that_they_met(message: str, code: str) -> None:
    """The code of the operation itself is INTERNAL_FAILURE."""
    assert names_quota(message) == code


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "An error occurred (AccessDenied) when calling the DeleteQueue operation: not authorized to perform: sqs:X",
            "not permitted: sqs:X",
        ),
        (
            "An error occurred (UnauthorizedOperation) when calling the DeleteVpc operation: You are not authorized.",
            "not permitted: DeleteVpc",
        ),
        (
            "An error occurred (DependencyViolation) when calling the DeleteVpc operation: vpc-1 has dependencies.",
            "DeleteVpc was refused with DependencyViolation",
        ),
        (
            "DEREGISTER_INSTANCE ended as FAIL with ACCESS_DENIED: not authorized to perform: route53:GetHealthCheck",
            "not permitted: route53:GetHealthCheck",
        ),
        ("no answer from 10.0.0.1", ""),
    ],
)
def test_a_reason_in_short_holds_nothing_of_the_account(text: str, reason: str) -> None:
    """It has the action or the operation and the code, since reports show it."""
    assert reason_in_short(text) == reason


MINE = "User: me is not authorized to perform: "


@pytest.mark.parametrize(
    ("call", "message", "described"),
    [
        (
            "(AccessDenied) when calling the DeleteObjects operation (reached max retries: 0)",
            f"{MINE}s3:DeleteObject because no identity-based policy allows it",
            "s3:DeleteObject is not permitted: allow it",
        ),
        (
            "(UnauthorizedOperation) when calling the DeleteVpc operation",
            "You are not authorized.",
            "DeleteVpc is not permitted: allow it",
        ),
        (
            "(AccessDenied) when calling the DeleteQueue operation",
            f"{MINE}sqs:DeleteQueue with an explicit deny in a service control policy",
            f"sqs:DeleteQueue is not permitted: {denial_advice('with an explicit deny in a service control policy')}",
        ),
    ],
)
def test_what_is_left_since_a_call_was_denied_says_what_to_allow(call: str, message: str, described: str) -> None:
    """With the words of AWS, which have the resource."""
    assert describe_denial(f"An error occurred {call}: {message}") == f"{described} ({message})"


@pytest.mark.parametrize(
    "text",
    ["An error occurred (DependencyViolation) when calling the DeleteVpc operation: it is in use.", "it is in use", ""],
)
def test_other_reasons_stay_as_they_are(text: str) -> None:
    """They are not about permissions."""
    assert describe_denial(text) == text
