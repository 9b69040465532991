"""Causes of failures in the words of the API."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.pytest_plugin.failed_assertion import Comparison, describe_assertion
from surveyor.pytest_plugin.failed_statement import FailedStatement
from surveyor.response import Origin, wrap
from surveyor.verdicts import Verdict

if TYPE_CHECKING:
    from tests.conftest import Checkout

SERVICE = wrap(
    {"Service": {"Type": "HTTP", "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 60}]}, "InstanceCount": 0}},
    Origin("servicediscovery", "GetService"),
)


def describe(source: str, comparison: tuple[object, str, object] | None = None, text: str = "", **names: Any) -> str:
    """Operation, cause and detail of an assertion with this source."""
    node = ast.parse(f"assert {source}").body[0]
    statement = FailedStatement(f"assert {source}", True, "", node, names)
    text = text or (f"assert x {comparison[1]} y" if comparison else "")
    found = describe_assertion(statement, text, Comparison(*comparison) if comparison else None)
    return f"{found.operation}|{found.cause}|{found.detail}"


@pytest.mark.parametrize(
    ("source", "comparison", "expected"),
    [
        ("a['Service']['Type'] == 'DNS'", ("HTTP", "==", "DNS"), "Service.Type has another value"),
        ("a['Service'].get('Type') == 'DNS'", ("HTTP", "==", "DNS"), "Service.Type has another value"),
        ("a['Service'].get('Arn') == 'DNS'", (None, "==", "DNS"), "Service.Arn is missing"),
        ("'DNS' == a['Service']['Type']", ("DNS", "==", "HTTP"), "Service.Type has another value"),
        (
            "a['Service']['DnsConfig']['DnsRecords'][0]['TTL'] == 10",
            (60, "==", 10),
            "Service.DnsConfig.DnsRecords[].TTL has another value",
        ),
        ("'Type' not in a['Service']", ("Type", "not in", {}), "Service.Type must be absent"),
        ("'Arn' in a['Service']", ("Arn", "in", {}), "Service.Arn is missing"),
        ("a['Service'].get('Type') is None", ("HTTP", "is", None), "Service.Type must be absent"),
        ("name == a['Service']['Type']", ("web", "==", "HTTP"), "Service.Type has another value"),
    ],
)
def test_cause_names_the_member(source: str, comparison: tuple[object, str, object], expected: str) -> None:
    """An assertion on a member of a response names its operation and its path, whatever the variable is called."""
    operation, cause, detail = describe(source, comparison, a=SERVICE, name="web").split("|")
    assert (operation, cause) == ("GetService", expected)
    assert detail.startswith(expected)


@pytest.mark.parametrize(
    ("source", "comparison", "text", "expected"),
    [
        ("f(x) == {1}", (set(), "==", {1}), "", "|the answer is empty|the answer is empty: expected {1}, got set()"),
        ("f(x) == {1}", ({1, 2}, "==", {1}), "", "|the answer has too many entries|"),
        ("f(x) == {1, 2}", ({1}, "==", {1, 2}), "", "|the answer lacks entries|"),
        ("f(x) == {1}", ({2}, "==", {1}), "", "|the answer has other entries|"),
        ("f(x) == [1, 2]", ([2, 1], "==", [1, 2]), "", "|the answer is in another order|"),
        ("f(x) == {'a': 1}", ({"a": 2}, "==", {"a": 1}), "", "|the answer has another value|"),
        ("len(x) == 100", (120, "==", 100), "", "|the answer has too many entries|"),
        ("len(x) > 1", (1, ">", 1), "", "|the answer lacks entries|the answer lacks entries: expected > 1, got 1"),
        ("len(x) <= 1", (2, "<=", 1), "", "|the answer has too many entries|"),
        ("x <= 10", (11, "<=", 10), "", "|the answer is too large|"),
        ("x in found", ("i-1", "in", ["i-2"]), "", "|the answer lacks an entry|"),
        ("x in ('A', 'B')", ("C", "in", ("A", "B")), "", "|the answer has another value|"),
        ("x not in found", ("i-1", "not in", ["i-1"]), "", "|the answer has an entry that must be absent|"),
        ("f(x)", None, "assert []", "|the answer is empty|the answer is empty"),
        ("f(x)", None, "after 3 s assert None", "|the answer is missing|the answer is missing (after 3 s)"),
        ("x == y", ("old", "==", "new"), "assert False", "|the answer is not as documented|"),
        ("all(f(x))", ("old", "==", "new"), "assert False", "|the answer is not as documented|"),
    ],
)
def test_cause_says_how_the_answer_differs(
    source: str, comparison: tuple[object, str, object] | None, text: str, expected: str
) -> None:
    """Without a member of a response the cause says how the values differ; an earlier comparison is not used."""
    assert describe(source, comparison, text).startswith(expected)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(values, values, st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in", "is", "is not"]))
def test_every_comparison_has_a_cause_without_values(left: object, right: object, operator: str) -> None:
    """Whatever is compared, the cause is one of a few texts, and the detail is short."""
    _, cause, detail = describe(f"f(x) {operator} g(x)", (left, operator, right)).split("|", 2)
    assert cause.startswith("the answer ")
    assert cause.removeprefix("the answer ") in {
        *("has another value", "is empty", "has too many entries", "lacks entries", "has other entries"),
        *("is in another order", "is missing", "must be absent", "lacks an entry", "has an entry that must be absent"),
        *("is too large", "is too small", "has the same value"),
    }
    assert detail.startswith(cause)
    assert len(detail) < 600


CASES = {
    "accepted": (
        "with raises('InvalidInput'):\n        cloudmap.create_service(Name='a')",
        "CreateService: accepted an invalid request, expected InvalidInput",
    ),
    "read after it": (
        "with raises('InvalidInput'):\n        cloudmap.create_service(Name='a')\n        cloudmap.get_service(Id='a')",
        "CreateService: accepted an invalid request, expected InvalidInput",
    ),
    "in use": (
        "with raises('ResourceInUse'):\n        cloudmap.delete_service(Id='a')",
        "DeleteService: accepted the request, expected ResourceInUse",
    ),
    "other": (
        "with raises('InvalidInput'):\n        cloudmap.create_http_namespace(Name='taken')",
        "CreateHttpNamespace: refused with NamespaceAlreadyExists, expected InvalidInput",
    ),
    "any error": (
        "with pytest.raises(ClientError):\n        cloudmap.delete_service(Id='a')",
        "DeleteService: accepted an invalid request, expected an error",
    ),
    "refused": (
        "cloudmap.create_http_namespace(Name='taken')",
        "CreateHttpNamespace: refused a valid request with NamespaceAlreadyExists",
    ),
    "none": (
        "[found] = [page for page in cloudmap.list_namespaces().values() if page == 1]",
        "ListNamespaces: the answer is empty",
    ),
    "member": (
        "assert cloudmap.get_operation(OperationId='a')['Operation']['CreateDate']",
        "GetOperation: Operation.CreateDate is missing",
    ),
    "value": (
        "found = cloudmap.get_operation(OperationId='a')\n    assert found['Operation']['Type'] == 'DELETE_NAMESPACE'",
        "GetOperation: Operation.Type has another value",
    ),
    "error member": (
        """with raises('NamespaceAlreadyExists') as no:
        cloudmap.create_http_namespace(Name='taken')
    assert no.response['CreatorRequestId']""",
        "CreateHttpNamespace: CreatorRequestId of the error NamespaceAlreadyExists is missing",
    ),
    "nested": (
        "clock.eventually(lambda: wait_for_error(cloudmap), within=0.1)",
        "DeleteService: accepted the request, expected ResourceInUse",
    ),
    "not offered": ("cloudmap.create_http_namespace(Name='missing')", "CreateHttpNamespace: is not offered"),
}


@pytest.mark.soak
def test_failures_are_distinguished_by_operation_and_cause(shared_checkout: Checkout) -> None:
    """The operation and the cause of a test are those of the call that failed; a pass has none; details repeat both."""
    imports = "import pytest\nfrom botocore.exceptions import ClientError\n\n"
    helper = (
        "def wait_for_error(cloudmap):\n    with raises('ResourceInUse'):\n        cloudmap.delete_service(Id='a')\n\n"
    )
    head = "@proves('alpha.first')\ndef test_{}(cloudmap, clock):\n    '''It is so.'''\n    {}\n"
    shared_checkout.suite(
        imports + helper + "\n\n".join(head.format(name.replace(" ", "_"), body) for name, (body, _) in CASES.items())
    )
    claim = next(entry for entry in shared_checkout.run().claims if entry.id == "alpha.first")
    tests = {test.id.rpartition("::test_")[2].replace("_", " "): test for test in claim.tests}
    actual = {name: f"{test.operation}: {test.cause}".removeprefix(": ") for name, test in tests.items()}
    assert actual == {name: expected for name, (_, expected) in CASES.items()}
    for test in tests.values():
        if test.verdict is Verdict.FAIL:
            assert test.detail.startswith(f"{test.operation}: ")
