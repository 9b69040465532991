"""Timelines are derived from evidence: what each observer saw, and when it may have changed."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from surveyor.evidence import EvidenceEntry
from surveyor.report.timeline import CHANGE, ObserverLane, Span, TimelineEvent, is_orderly, timeline_of


def health(at: float, until: float, **status: str) -> EvidenceEntry:
    """Return GetInstancesHealthStatus with the same answer during a period."""
    return {"kind": "call", "operation": "GetInstancesHealthStatus", "params": {"ServiceId": "srv-1"},
            "response": {"Status": status}, "at": at, "until": until}  # fmt: skip


def listed(at: float, *ids: str) -> EvidenceEntry:
    """Return ListInstances with these ids."""
    return {"kind": "call", "operation": "ListInstances", "params": {"ServiceId": "srv-1"},
            "response": {"Instances": [{"Id": name} for name in ids]}, "at": at}  # fmt: skip


def answered(at: float, *addresses: str) -> EvidenceEntry:
    """Return a DNS question with these addresses."""
    lines = [f"a.test. 60 IN A {address}" for address in addresses]
    return {"kind": "dns", "question": "a.test A", "answer": {"rcode": "NOERROR", "answer": lines}, "at": at}


def test_a_change_is_the_interval_between_two_samples() -> None:
    """A change happened between the last sample before it and the first sample after it."""
    report: EvidenceEntry = {"kind": "call", "operation": "UpdateInstanceCustomHealthStatus", "at": 101.0,
                     "params": {"InstanceId": "i-1", "Status": "UNHEALTHY"}}  # fmt: skip
    timeline = timeline_of([health(100, 101, **{"i-1": "HEALTHY"}), report, health(131.5, 140, **{"i-1": "UNHEALTHY"})])
    assert timeline is not None
    assert timeline.seconds == 40
    assert timeline.events == (TimelineEvent(1.0, "UpdateInstanceCustomHealthStatus i-1 UNHEALTHY"),)
    assert timeline.lanes == (
        ObserverLane(
            "GetInstancesHealthStatus srv-1",
            "i-1",
            (Span(0, 1, "HEALTHY"), Span(1, 31.5, CHANGE), Span(31.5, 40, "UNHEALTHY")),
        ),
    )


def test_an_unlisted_instance_is_absent() -> None:
    """An instance and an address appear and disappear."""
    timeline = timeline_of([listed(0), answered(1), listed(2, "i-1"), answered(3, "192.0.2.1"), listed(5)])
    assert timeline is not None
    by_subject = {lane.subject: [span.state for span in lane.spans] for lane in timeline.lanes}
    assert by_subject == {
        "i-1": ["absent", CHANGE, "present", CHANGE, "absent"],
        "192.0.2.1": ["absent", CHANGE, "present"],
    }


def test_without_a_change_there_is_no_timeline() -> None:
    """Calls without states, equal states, pages of a list and a cut list give no timeline."""
    assert timeline_of([]) is None
    assert timeline_of([health(0, 9, **{"i-1": "HEALTHY"}), health(10, 12, **{"i-1": "HEALTHY"})]) is None
    first, second = listed(0, "i-1"), listed(1, "i-2")
    first["params"] = second["params"] = {"ServiceId": "srv-1", "MaxResults": 1}
    assert timeline_of([first, second]) is None
    cut = listed(1)
    cut["response"] = {"Instances": ["… 90 more"]}
    assert timeline_of([listed(0, "i-1"), cut]) is None


def test_random_answers_are_not_drawn() -> None:
    """Addresses that answers contain at random have no lane."""
    samples = [answered(at, "192.0.2.1" if at % 2 else "192.0.2.2") for at in range(40)]
    assert timeline_of(samples) is None


def test_events_of_fixtures_are_shown_and_cleanup_is_not() -> None:
    """A server that begins to fail is an event; calls after the last sample are not."""
    event = cast(EvidenceEntry, {"kind": "event", "event": "127.0.0.1 answers 503", "at": 1.0})
    cleanup: EvidenceEntry = {
        "kind": "call",
        "operation": "DeregisterInstance",
        "params": {"InstanceId": "i-1"},
        "at": 9.0,
    }
    timeline = timeline_of([listed(0, "i-1"), event, listed(5), cleanup])
    assert timeline is not None
    assert [event.label for event in timeline.events] == ["127.0.0.1 answers 503"]


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
samples: Any = st.one_of(
    st.builds(listed, st.floats(0, 1000), st.sampled_from(["i-1", "i-2"])),
    st.builds(lambda at, more, state: health(at, at + more, **{"i-1": state}), st.floats(0, 1000), st.floats(0, 50),
              st.sampled_from(["HEALTHY", "UNHEALTHY", "UNKNOWN"])),
    st.builds(answered, st.floats(0, 1000), st.sampled_from(["192.0.2.1", "192.0.2.2"])),
    st.fixed_dictionaries({"kind": st.sampled_from(["call", "dns", "event", "skipped", "odd"])}, optional={
        "operation": st.sampled_from(["ListInstances", "DiscoverInstances", "GetInstancesHealthStatus", "X"]),
        "params": json, "response": json, "answer": json, "question": st.text(max_size=5), "at": st.floats(0, 1000),
        "event": st.text(max_size=5),
    }),
)  # fmt: skip


@given(entries=st.lists(samples, max_size=20))
def test_spans_have_no_gaps_for_any_evidence(entries: list[EvidenceEntry]) -> None:
    """Any evidence gives a timeline whose spans have no gaps and lie within it, or no timeline."""
    entries.sort(key=lambda entry: entry.get("at", 0.0))
    timeline = timeline_of(entries)
    assert timeline is None or is_orderly(timeline)
