"""Recordings fit the models of botocore, and do not disagree without a history."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.claims import load_claims
from surveyor.conformance.replay.plugin import features_of
from surveyor.conformance.replay.run import check_situations, why_not_replayed
from surveyor.errors import UsageError
from surveyor.layout import find_layout
from surveyor.recordings import Recordings, load_recordings
from surveyor.recordings.model_check import check_recordings, earlier_answers

ENTRY = """
[[recording]]
id = "{id}"
fact = "It answers."
relation = "none"
provenance = "recorded"
repository = "owner/name"
path = "data.json"
{date}
confidence = "high"
replay = {{ situation = "http-namespace" }}
[recording.request]
service = "servicediscovery"
operation = "GetNamespace"
params = {{ Id = "{{namespace}}" }}
[recording.answer]
{answer}
"""


def load(folder: Path, *entries: str) -> Recordings:
    """Load recordings from a file with these entries."""
    (folder / "area.toml").write_text('title = "Area"\n' + "".join(entries), encoding="utf-8")
    return load_recordings(folder, ())


def entry(answer: str, id_: str = "one", date: str = "2024") -> str:
    """Return an entry with this answer."""
    return ENTRY.format(id=id_, answer=answer, date=f'date = "{date}"' if date else "")


def test_those_of_the_project() -> None:
    """They fit; at least 90 are replayed, each other has a reason, and at most ten are waived."""
    layout = find_layout()
    recordings = load_recordings(layout.recordings, load_claims(layout.claims).by_id)
    check_recordings(recordings)
    reasons = why_not_replayed(recordings)
    assert len(recordings.by_id) - len(reasons) >= 90
    assert all(reasons.values())
    assert sum(1 for recording in recordings.by_id.values() if recording.waived) <= 10
    assert reasons["cm-soa-900-before"] == "AWS has answered otherwise since: cm-soa-default-private-15"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            '"servicediscovery"',
            '"servicediscovry"',
            "calls the service 'servicediscovry', which botocore does not have",
        ),
        (
            '"GetNamespace"',
            '"GetNamespaces"',
            "which the model of servicediscovery does not have; did you mean 'GetNamespace'",
        ),
        (
            "{ Id =",
            "{ Idd =",
            "names 'Idd' in the request of GetNamespace, which the model does not have; did you mean 'Id'",
        ),
        ("Namespace.Arn", "Namespace.Art", "names 'Art' in the answer of GetNamespace, Namespace, which the model"),
        ("Namespace.Arn", "Namespace[Id=x]", "selects an element of 'Namespace'"),
        ("Namespace.Arn", "Namespace..Arn", "is no path"),
        (
            'present = ["Namespace.Arn"]',
            'formats = { "Namespace.Arn" = "(" }',
            "has the format '(', which is no regular expression",
        ),
        (
            'replay = { situation = "http-namespace" }',
            """[recording.replay]
before = [{ service = "servicediscovery", operation = "ListNamespaces", save = { ns = "Namespaces.*.Id" } }]""",
            "saves 'Namespaces.*.Id', which may be several values; expected one",
        ),
    ],
)
def test_what_the_model_lacks(tmp_path: Path, old: str, new: str, words: str) -> None:
    """A service, an operation or a member that does not exist is refused, with file and line."""
    text = entry('present = ["Namespace.Arn"]')
    assert old in text
    with pytest.raises(UsageError) as error:
        check_recordings(load(tmp_path, text.replace(old, new)))
    assert words in str(error.value)
    assert str(error.value).startswith(f"{tmp_path.name}/area.toml:3: recording 'one' ")


def test_members_of_an_error(tmp_path: Path) -> None:
    """A member of an error is looked up in the shape of that error."""
    text = entry('error = "DuplicateRequest"\npresent = ["DuplicateOperationId"]')
    request = text.replace('"GetNamespace"', '"DeleteNamespace"')
    check_recordings(load(tmp_path, request))
    with pytest.raises(UsageError, match="names 'OperationId' in the answer of DeleteNamespace"):
        check_recordings(load(tmp_path, request.replace("DuplicateOperationId", "OperationId")))


CONTRARY = (
    ('values = { "Namespace.Type" = "HTTP" }', 'values = { "Namespace.Type" = "DNS_PUBLIC" }', "Namespace.Type"),
    ('absent = ["Namespace.ServiceCount"]', 'present = ["Namespace.ServiceCount"]', "Namespace.ServiceCount"),
    ('error = "NamespaceNotFound"', 'present = ["Namespace.Id"]', "the error"),
    ('error = "NamespaceNotFound"\nstatus = 400', 'error = "NamespaceNotFound"\nstatus = 404', "the HTTP status"),
)


@pytest.mark.parametrize(("first", "second", "subject"), CONTRARY)
@pytest.mark.parametrize("date", ["2024", ""])
def test_two_that_disagree(tmp_path: Path, first: str, second: str, subject: str, date: str) -> None:
    """Contrary answers to one request with the same date, or without dates, are refused."""
    recordings = load(tmp_path, entry(first, "one", date), entry(second, "two", date))
    with pytest.raises(UsageError) as error:
        check_recordings(recordings)
    assert "recording 'two' disagrees with 'one'" in str(error.value)
    assert f"about {subject}" in str(error.value)


@pytest.mark.parametrize(("first", "second", "subject"), CONTRARY)
def test_a_history(tmp_path: Path, first: str, second: str, subject: str) -> None:
    """Contrary answers with two dates are a history: the earlier one is not replayed."""
    recordings = load(tmp_path, entry(first, "one", "2024"), entry(second, "two", "2020/2022"))
    check_recordings(recordings)
    assert earlier_answers(recordings) == {"two": "one"}, subject


def test_two_that_agree(tmp_path: Path) -> None:
    """Answers that can both be right do not disagree."""
    recordings = load(
        tmp_path, entry('present = ["Namespace.Id"]'), entry('absent = ["Namespace.ServiceCount"]', "two")
    )
    check_recordings(recordings)
    assert earlier_answers(recordings) == {}


def test_features_of_a_replay() -> None:
    """A replay needs the features of its situation and its calls, and a clock that can be advanced for a long wait."""
    layout = find_layout()
    recordings = load_recordings(layout.recordings, load_claims(layout.claims).by_id)
    check_situations(recordings)
    features = {name: features_of(recordings.by_id[name]) for name in recordings.by_id}
    assert features["cm-srv-in-use"] == {"cloudmap"}
    assert features["cm-shared-create-by-arn"] == {"cloudmap", "sharing"}
    assert features["r53-no-such-zone"] == {"cloudmap", "route53"}
    assert features["ecs-stop-timeout-30"] == {"cloudmap", "ecs", "ecs-processes", "task-signals"}
    assert "clock-control" in features["ecs-event-steady-repeats"]
    assert features["cm-pr-durations"] == set()
