"""Snippets reproduce a test's calls: ids become expressions, and nothing that a target sent becomes code."""

from __future__ import annotations

import ast
import contextlib
import io
import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import boto3
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from surveyor.clock import WallClock
from surveyor.evidence import Evidence, EvidenceEntry, trim
from surveyor.layout import find_layout
from surveyor.report.model import TargetReport, TestReport
from surveyor.report.snippet_values import text_literal
from surveyor.report.snippets import Documented, boto3_snippet, dig_snippet, expected_and_actual
from surveyor.targets import load_target
from surveyor.targets.running import run_target
from surveyor.verdicts import Verdict
from tests.emulators import emulator

MOTO = TargetReport("moto", "5.2.5", "started", (), {})
ANYTHING = st.text(st.characters(codec=None, categories=None), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANYTHING,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANYTHING, inner, max_size=3),
    max_leaves=8,
)
CALLS = st.fixed_dictionaries(
    {"kind": st.just("call"), "service": ANYTHING, "operation": ANYTHING, "params": JSON},
    optional={"response": JSON, "error": JSON, "at": JSON},
)
QUESTIONS = st.fixed_dictionaries({"kind": st.just("dns"), "question": ANYTHING, "server": ANYTHING, "answer": JSON})


def call(operation: str, params: dict[str, object], **rest: object) -> EvidenceEntry:
    """Return the evidence of a Cloud Map call."""
    return cast(
        EvidenceEntry, {"kind": "call", "service": "servicediscovery", "operation": operation, "params": params, **rest}
    )


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """Start moto, and yield its address."""
    with run_target(emulator("moto"), 7) as running:
        yield running.endpoint


@pytest.mark.soak
def test_a_snippet_reproduces_the_calls_on_a_fresh_target(moto: str) -> None:
    """Calls recorded in one account run in another account, whose ids differ, up to the final error."""
    client = boto3.client(
        "servicediscovery",
        endpoint_url=moto,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(inject_host_prefix=False),
    )
    evidence = Evidence()

    def record(operation: str, method: str, **params: object) -> dict[str, object]:
        try:
            response = getattr(client, method)(**params)
        except client.exceptions.ClientError as error:
            evidence.call("servicediscovery", operation, params, 0.0, status=400, error=error.response["Error"])
            return {}
        evidence.call("servicediscovery", operation, params, 0.0, status=200, response=response)
        return cast(dict[str, object], response)

    created = record("CreateHttpNamespace", "create_http_namespace", Name="recorded")
    for _ in range(3):
        record("GetOperation", "get_operation", OperationId=created["OperationId"])
    namespace = client.list_namespaces()["Namespaces"][0]["Id"]
    record("GetNamespace", "get_namespace", Id=namespace)
    client.delete_namespace(Id=namespace)
    record("GetNamespace", "get_namespace", Id="ns-does-not-exist")
    text = boto3_snippet(evidence.entries(), MOTO)
    assert str(created["OperationId"]) not in text
    assert namespace not in text
    assert "NamespaceNotFound" in _execute(text.replace("http://127.0.0.1:5000", moto))


def test_a_snippet_runs_as_often_as_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its names are new each time, though those of the run before are there, or are being deleted."""
    embedded = load_target("embedded", find_layout().targets)
    assert embedded.start is not None
    argv = tuple("flow" if word == "advance" else word for word in embedded.start.argv)
    fresh = replace(embedded, start=replace(embedded.start, argv=(*argv, "--scale", "60")), clock="wall")
    name: dict[str, object] = {
        "Name": "ns-68dff983-1.surveyor.test",
        "CreatorRequestId": "963dd26c-3b52-4b5b-9e6f-8c5f1f3a1c55",
    }
    service: dict[str, object] = {"Name": "svc-68dff983-2", "NamespaceId": "ns-0123456789abcdef"}
    entries = [
        call("CreateHttpNamespace", name, response={"OperationId": "op-12345678"}),
        call("GetOperation", {"OperationId": "op-12345678"}, response={}),
        call("ListNamespaces", {"Filters": [{"Name": "NAME", "Values": [name["Name"]]}]},
             response={"Namespaces": [{"Id": "ns-0123456789abcdef", "Name": name["Name"]}]}),
        call("CreateService", service, response={"Service": {"Id": "srv-12345678"}}),
        call("CreateService", service, error={"Code": "ServiceAlreadyExists"}),
        call("DeleteService", {"Id": "srv-12345678"}, response={}),
        call("DeleteNamespace", {"Id": "ns-0123456789abcdef"}, response={"OperationId": "op-23456789"}),
    ]  # fmt: skip
    text = boto3_snippet(entries, TargetReport("embedded", "", "started", (), {}))
    assert 'create_http_namespace(Name=f"ns-{run}-1.surveyor.test")' in text
    monkeypatch.setattr("time.sleep", lambda seconds: WallClock().wait(seconds / 60))
    with run_target(fresh, 7) as running:
        shown = [_execute(text.replace("http://127.0.0.1:5000", running.endpoint)) for _ in range(2)]
    assert all("ServiceAlreadyExists" in output and "'OperationId': " in output for output in shown)


def _execute(program: str) -> str:
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        exec(compile(program, "snippet", "exec"), {})
    return shown.getvalue()


def test_questions_have_the_names_of_the_program() -> None:
    """The program prints what its names have, and the commands with dig use it."""
    entries = [
        call("CreateService", {"Name": "svc-68dff983-2"}, response={"Service": {"Id": "srv-12345678"}}),
        cast(EvidenceEntry, {"kind": "dns", "question": "svc-68dff983-2.a.test A", "server": "127.0.0.2:53"}),
        cast(EvidenceEntry, {"kind": "dns", "question": "$(x).68dff983 A", "server": "127.0.0.2:53"}),
    ]
    text = boto3_snippet(entries, MOTO)
    assert "run = uuid.uuid4().hex[:8]  # part of all names, so that they are new in each run\n" in text
    assert 'print(f"run={run}")\n' in text
    lines = dig_snippet(entries, MOTO).splitlines()
    assert lines[2:] == ["dig @127.0.0.2 -p 53 svc-${run}-2.a.test A", "dig @127.0.0.2 -p 53 '$(x).'${run} A"]
    assert [shlex.split(line)[4] for line in lines[2:]] == ["svc-${run}-2.a.test", "$(x).${run}"]
    assert f"# {lines[2]}" in text


@pytest.mark.parametrize(
    "name",
    [
        "a-68dff983-1",
        "{a}-68dff983-1",
        "it's-68dff983-1",
        "a\"b'c-68dff983-1",
        "\\n\n-68dff983-1-{run}",
        "é\x1b-68dff983-1",
    ],
)
def test_a_fresh_name_is_the_same_otherwise(name: str) -> None:
    """Whatever else is in a name is kept, and none of it is executed."""
    text = text_literal(name, "68dff983")
    assert eval(text, {"run": "01234567"}) == name.replace("68dff983", "01234567")


def test_a_token_that_a_client_makes_up_is_left_out() -> None:
    """One that a test sends twice, or that is no token of a client, is kept."""
    token = "963dd26c-3b52-4b5b-9e6f-8c5f1f3a1c55"
    own: dict[str, object] = {"CreatorRequestId": "request-68dff983-4"}
    once = boto3_snippet([call("CreateService", {"CreatorRequestId": token}), call("DeleteService", own)], MOTO)
    assert "create_service()" in once
    assert 'CreatorRequestId=f"request-{run}-4"' in once
    first, second = (call(name, {"CreatorRequestId": token}) for name in ("CreateService", "CreateHttpNamespace"))
    assert boto3_snippet([first, second], MOTO).count(token) == 2
    assert token in boto3_snippet([call("GetService", {"Id": token})], MOTO)


def test_a_snippet_is_a_complete_bug_report() -> None:
    """Its head has the claim, what is documented, expected and answered; its end prints the answer in question."""
    entries = [
        call("CreateService", {"Name": "a b"}, response={"Service": {"Id": "srv-12345678"}}),
        call("DeleteService", {"Id": "srv-12345678"}, response={}),
    ]
    test = TestReport(
        *("t", Verdict.FAIL, "", "CreateService: accepted an invalid request, expected InvalidInput", tuple(entries)),
        *("CreateService", "accepted an invalid request, expected InvalidInput"),
    )
    documented = Documented("services.names", "A name has no spaces.", "servicediscovery/CreateServiceRequest.Name")
    text = boto3_snippet(entries, MOTO, test, [documented])
    assert text.splitlines()[:4] == [
        "# Claim services.names on moto 5.2.5",
        "# documented: A name has no spaces. (servicediscovery/CreateServiceRequest.Name)",
        "# expected: CreateService: the error InvalidInput",
        "# got: no error: the request is accepted",
    ]
    assert text.endswith(
        'cloudmap.delete_service(Id=answer_1["Service"]["Id"])\n\n'
        'answer_1.pop("ResponseMetadata", None)\nprint(answer_1)\n'
    )


@pytest.mark.parametrize(
    ("operation", "detail", "expected"),
    [
        ("DeleteService", "accepted the request, expected ResourceInUse", "the error ResourceInUse"),
        ("GetService", "refused with ServiceNotFound, expected InvalidInput", "the error InvalidInput"),
        ("CreateService", "refused a valid request with Oh: no", "no error"),
        ("GetService", "Service.Type is missing", "Service.Type"),
        ("GetService", "Service.Type has another value: expected 'HTTP', got 'DNS'", "'HTTP'"),
        ("", "something else", ""),
    ],
)
def test_detail_is_split_into_expected_and_actual(operation: str, detail: str, expected: str) -> None:
    """Expected and actual answer are on separate lines wherever the detail has both."""
    whole = f"set-up: {operation}: {detail}" if operation else detail
    found = expected_and_actual(TestReport("t", Verdict.FAIL, "", whole, (), operation, "x"))
    assert found[0] == expected
    assert found[1]


def test_a_value_of_an_answer_becomes_an_expression() -> None:
    """An id becomes an expression on the answer that returned it; a parameter stays a literal."""
    response = {"Id": "srv-12345678", "Name": "web-12345678"}
    text = boto3_snippet(
        [
            call("CreateService", {"Name": "web-12345678"}, response={"Service": response}),
            call("GetService", {"Id": "srv-12345678"}, response={}),
            call("CreateService", {"Name": "web-12345678"}, error={"Code": "ServiceAlreadyExists"}),
        ],
        MOTO,
    )
    assert 'answer_1 = cloudmap.create_service(Name="web-12345678")' in text
    assert 'cloudmap.get_service(Id=answer_1["Service"]["Id"])' in text
    assert "except ClientError as error:  # actual: ServiceAlreadyExists" in text


def test_an_id_without_a_digit_becomes_an_expression() -> None:
    """The ids of moto have letters and digits at random, and now and then no digit."""
    text = boto3_snippet(
        [
            call("CreateService", {}, response={"Service": {"Id": "srv-dbimpexl", "Type": "DNS_HTTP_LIKE"}}),
            call("GetService", {"Id": "srv-dbimpexl"}),
            call("ListServices", {"Type": "DNS_HTTP_LIKE"}),
        ],
        MOTO,
    )
    assert 'get_service(Id=answer_1["Service"]["Id"])' in text
    assert 'list_services(Type="DNS_HTTP_LIKE")' in text


def test_polling_is_a_loop_and_repetition_is_counted() -> None:
    """Polling an operation is one line; other repeated calls are one line with their number."""
    text = boto3_snippet(
        [
            *[call("GetOperation", {"OperationId": "op-1"}, response={"Operation": {"Status": "PENDING"}})] * 5,
            *[call("DiscoverInstances", {"NamespaceName": "n", "ServiceName": "s"}, response={})] * 50,
        ],
        MOTO,
    )
    assert text.count('finish("op-1")') == 1
    assert text.count("discover_instances(") == 1
    assert "# 50 times in a row" in text


def test_an_operation_of_a_step_that_is_left_out_is_not_awaited() -> None:
    """A fresh target does not know its id; an operation that a shown step started is awaited."""
    skipped = cast(EvidenceEntry, {"kind": "skipped", "skipped": 90})
    text = boto3_snippet(
        [
            call("RegisterInstance", {"InstanceId": "i-1"}, response={"OperationId": "op-12345678"}),
            skipped,
            call("GetOperation", {"OperationId": "op-12345678"}, response={}),
            call("GetOperation", {"OperationId": "op-87654321"}, response={}),
        ],
        MOTO,
    )
    assert 'finish(answer_1["OperationId"])' in text
    assert "op-87654321" not in text


def test_a_cut_text_is_restored_if_possible() -> None:
    """A repeated character is written as a product; parameters that are not identifiers become a dictionary."""
    text = boto3_snippet([call("CreateService", {"Name": "a" * 300 + "… (1025 characters)", "not a name": 1})], MOTO)
    assert '"a" * 1025' in text
    ast.parse(text)
    assert 'create_service(**{"Name": ' in text


def test_a_cut_list_is_restored_if_its_entries_are_numbered() -> None:
    """The evidence keeps the beginning of a list; the program sends all of it, or says that entries are left out."""
    tags = [{"Key": f"key-{number}", "Value": "{v}"} for number in range(200)]
    text = boto3_snippet(
        [call("TagResource", {"Tags": trim(tags), "Names": trim([str(n * 7) for n in range(40)])})], MOTO
    )
    arguments = ast.parse(text[text.index("answer_1 = ") :]).body[0]
    assert isinstance(arguments, ast.Assign)
    assert isinstance(arguments.value, ast.Call)
    sent = {word.arg: word.value for word in arguments.value.keywords}
    assert eval(ast.unparse(sent["Tags"])) == tags
    assert len(eval(ast.unparse(sent["Names"]))) == 12
    assert "# and 28 more" in text


def test_an_id_of_a_hosted_zone_is_known_in_both_forms() -> None:
    """Route 53 answers with a prefix that requests may leave out."""
    text = boto3_snippet(
        [
            call("GetNamespace", {"Id": "ns"}, response={"Zone": "/hostedzone/Z0123456789"}),
            call("GetNamespace", {"Id": "Z0123456789"}),
        ],
        MOTO,
    )
    assert 'get_namespace(Id=answer_1["Zone"])' in text


def test_a_hand_written_request_is_a_comment() -> None:
    """No client has a method for it, so its path, headers and body are shown."""
    text = boto3_snippet([call("POST /", {"headers": {"X-Amz-Target": "a.B"}, "body": "{}\n"})], MOTO)
    assert """# POST /, signed, with {'headers': {'X-Amz-Target': 'a.B'}, 'body': '{}\\n'}""" in text
    ast.parse(text)


def test_a_real_account_uses_the_credentials_of_the_reader() -> None:
    """The snippet has the region of the run, AWS's addresses and no keys."""
    aws = TargetReport("aws", "", "endpoint", (), {}, region="eu-west-1", credentials="environment")
    text = boto3_snippet([call("ListNamespaces", {})], aws)
    assert "aws_access_key_id" not in text
    assert "endpoint_url" not in text
    assert "inject_host_prefix=True" in text
    assert 'where = {"region_name": "eu-west-1"}\n' in text
    assert 'boto3.client("servicediscovery", config=plain, **where)\n' in text


@pytest.mark.soak
def test_an_endpoint_keeps_its_address(moto: str) -> None:
    """The snippet has the address of the endpoint and runs unchanged."""
    there = TargetReport("127.0.0.1", "", "endpoint", (), {}, endpoint=moto, region="us-west-2", credentials="per-test")
    text = boto3_snippet([call("ListNamespaces", {}, response={"Namespaces": []})], there)
    assert "inject_host_prefix=False" in text
    assert f'where = {{"endpoint_url": "{moto}", "region_name": "us-west-2"}}\n' in text
    assert "'Namespaces': []" in _execute(text)


def test_a_started_target_has_its_start_command() -> None:
    """The line of the address has the start command of a known target, and the name of any other."""
    ours = boto3_snippet([call("ListNamespaces", {})], TargetReport("embedded", "0.1.0", "started", (), {}))
    assert "# a fresh embedded 0.1.0: surveyor emulator --port 5000 --probe-loopback\n" in ours
    other = boto3_snippet([call("ListNamespaces", {})], TargetReport("mine", "3", "started", (), {}))
    assert "# a fresh mine 3\n" in other


def test_dns_questions_become_dig_commands() -> None:
    """Each question is a dig command once; a name that looks like an option is not one."""
    question = cast(
        EvidenceEntry, {"kind": "dns", "question": "web.example.com SRV", "server": "127.0.0.2:5353", "answer": "x"}
    )
    odd = cast(EvidenceEntry, {"kind": "dns", "question": "-f/etc/passwd A", "server": "127.0.0.2:53", "answer": "x"})
    assert dig_snippet([], MOTO) == ""
    assert dig_snippet([question, question, odd], MOTO).splitlines() == [
        "# The server's address is from this run; a fresh target prints its own.",
        "dig @127.0.0.2 -p 5353 web.example.com SRV",
        "dig @127.0.0.2 -p 53 -q -f/etc/passwd -t A",
    ]
    assert boto3_snippet([question], MOTO) == ""


@given(st.lists(CALLS | QUESTIONS, max_size=5), ANYTHING, st.sampled_from(["started", "endpoint"]))
def test_nothing_that_a_target_sent_becomes_code(entries: list[object], name: str, kind: str) -> None:
    """For any evidence the snippet calls only boto3, its clients and functions that it defines."""
    there = TargetReport(name, name, kind, (), {}, endpoint=name, region=name, credentials="per-test")
    test = TestReport("t", Verdict.FAIL, name, name, (), name, name)
    text = boto3_snippet(cast(list[EvidenceEntry], entries), there, test, [Documented(name, name, name)])
    text.encode("utf-8", "surrogatepass")
    tree = ast.parse(text)
    names = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert names <= {"Config", "print", "finish", "float", "range"}
    assert not {type(node) for node in ast.walk(tree)} & {ast.Lambda, ast.ClassDef, ast.Await}
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= {"boto3", "time", "uuid"}
    for line in dig_snippet(cast(list[EvidenceEntry], entries), MOTO).splitlines()[1:]:
        assert shlex.split(line)[0] == "dig"
        assert len(line.splitlines()) == 1
