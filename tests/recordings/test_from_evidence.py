"""Recordings of a run have nothing that belongs to the account, and load again."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.evidence import EvidenceEntry
from surveyor.recordings import Confidence, Provenance, Recording, Relation, load_recordings
from surveyor.recordings.from_evidence import RunOrigin, confirmations, recordings_of_test
from surveyor.recordings.model import Answer, Call, Replay
from surveyor.recordings.model_check import check_recordings
from surveyor.recordings.writing import write_recordings

ORIGIN = RunOrigin(date(2026, 11, 28), "aws", "us-east-1", "0.1.0")
CLAIM = "services.create-is-synchronous"
SECRETS = ("123456789012", "ns-abc", "srv-abc", "acme", "192.0.2.77", "team-red", "hunter2", "shop")
CALLS: list[EvidenceEntry] = [
    {
        "kind": "call",
        "service": "servicediscovery",
        "operation": "CreateService",
        "params": {
            "Name": "acme",
            "NamespaceId": "ns-abc",
            "Tags": [{"Key": "team", "Value": "team-red"}],
            "DnsConfig": {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 60}]},
        },
        "status": 200,
        "response": {"Service": {"Id": "srv-abc", "Arn": "arn:aws:x:123456789012", "Name": "acme", "Type": "DNS_HTTP"}},
    },
    {"kind": "dns", "question": "acme.shop A", "server": "192.0.2.77", "answer": "192.0.2.77"},
    {
        "kind": "call",
        "service": "servicediscovery",
        "operation": "RegisterInstance",
        "params": {
            "ServiceId": "srv-abc",
            "InstanceId": "acme",
            "Attributes": {"AWS_INSTANCE_IPV4": "192.0.2.77", "shop": "1"},
        },
        "status": 400,
        "error": {"Code": "InvalidInput", "Message": "no service srv-abc of acme"},
    },
    {
        "kind": "call",
        "service": "sts",
        "operation": "AssumeRole",
        "params": {"RoleArn": "arn:aws:iam::123456789012:role/acme", "RoleSessionName": "acme"},
        "status": 200,
        "response": {"Credentials": "(removed)"},
    },
    {"kind": "call", "service": "servicediscovery", "operation": "POST /raw", "params": {}, "status": 404},
]


def test_nothing_of_the_account_is_kept(tmp_path: Path) -> None:
    """Values become variables, equal ones the same; listed values, counts, members and codes stay."""
    first, second, third = recordings_of_test("services/create test", [CLAIM], (), CALLS, ORIGIN)
    assert first.request is not None
    assert first.request.params == {
        "Name": "{value1}",
        "NamespaceId": "{value2}",
        "Tags": [{"Key": "{value3}", "Value": "{value4}"}],
        "DnsConfig": {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 60}]},
    }
    assert first.answer.values == {"Service.Type": "DNS_HTTP"}
    assert "Service.Id" in first.answer.present
    assert "Service.InstanceCount" in first.answer.absent
    assert (second.answer.error, second.answer.status) == ("InvalidInput", 400)
    assert second.request is not None
    assert second.request.params["InstanceId"] == "{value1}"
    assert list(second.request.params["Attributes"]) == ["AWS_INSTANCE_IPV4", "{value7}"]
    assert third.answer.present == ("Credentials",)
    assert write_recordings([first, second, third], tmp_path, "a run") == 3
    text = (tmp_path / "services.toml").read_text(encoding="utf-8")
    assert not [secret for secret in SECRETS if secret in text]
    loaded = load_recordings(tmp_path, [CLAIM])
    check_recordings(loaded)
    assert list(loaded.by_id.values()) == [first, second, third]
    assert {recording.provenance for recording in loaded.by_claim[CLAIM]} == {Provenance.OWN_RUN}
    assert {recording.date for recording in loaded.by_claim[CLAIM]} == {"2026-11-28"}


def test_only_operations_of_the_claims() -> None:
    """If the test calls an operation that its claims are about, only such calls are recorded, equal ones once."""
    [found] = recordings_of_test("t", [CLAIM], ["CreateService"], [*CALLS, CALLS[0]], ORIGIN)
    assert found.request is not None
    assert found.request.operation == "CreateService"


def test_confirmations(tmp_path: Path) -> None:
    """A recording that an account agrees with is written again as a run's, and can be repeated."""
    recording = Recording(
        id="cm-x",
        fact='It says "so".\nTwice.',
        provenance=Provenance.RECORDED,
        repository="owner/name",
        path="data.json",
        confidence=Confidence.MEDIUM,
        relation=Relation.NONE,
        answer=Answer(values={"Namespace.Properties.DnsProperties": {}, "Namespace.Type": "HTTP"}, status=200),
        date="2020",
        request=Call("servicediscovery", "GetNamespace", {"Id": "{namespace}"}),
        replay=Replay("http-namespace", (Call("sts", "GetCallerIdentity", save={"me": "Arn"}),), 60),
    )
    [confirmed] = confirmations([recording], ORIGIN)
    assert (confirmed.id, confirmed.date, confirmed.provenance) == ("own-cm-x", "2026-11-28", Provenance.OWN_RUN)
    write_recordings([confirmed], tmp_path, "a run")
    loaded = load_recordings(tmp_path, ())
    check_recordings(loaded)
    assert list(loaded.by_id.values()) == [confirmed]


@given(st.text(min_size=1), st.dictionaries(st.text(), st.text() | st.integers() | st.booleans(), max_size=3))
def test_any_text_is_written_so_that_it_loads(
    tmp_path_factory: pytest.TempPathFactory, text: str, params: dict[str, object]
) -> None:
    """Whatever characters a text has, it is the same after loading."""
    recording = Recording(
        id="x",
        fact=text,
        provenance=Provenance.OWN_RUN,
        repository="owner/name",
        path="p",
        confidence=Confidence.LOW,
        relation=Relation.NONE,
        answer=Answer(),
        request=Call("s", "O", json.loads(json.dumps(params))),
        not_replayed="because",
    )
    folder = tmp_path_factory.mktemp("any")
    write_recordings([recording], folder, text)
    assert load_recordings(folder, ()).by_id["x"] == recording
