"""The parts of chaos one by one: steps as data, the journal, brakes, faults by target, and what stands in front."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import dns.rcode
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from surveyor.chaos.actions import (
    ActionContext,
    ApiStep,
    FaultFailed,
    SignalStep,
    Step,
    TellStep,
    perform,
    read_step,
    write_step,
)
from surveyor.chaos.fault_proxy import FaultProxy
from surveyor.chaos.faults import FAULTS, Victims, fault_of
from surveyor.chaos.safety_limits import BUSY, SafetyLimits, Stopped, check_opt_in, one_at_a_time
from surveyor.chaos.service_under_test import ServiceUnderTest, Task
from surveyor.chaos.undo_log import Place, UndoLog, open_entries, place_of
from surveyor.claims.features import FEATURES
from surveyor.errors import SurveyorError, UsageError
from surveyor.proxies import Answer, DnsProxy, HttpProxy, Upstream

SCENE = ServiceUnderTest("1" * 12, "us-east-1", "shop", "web", "srv-1", "ns", "web", "web.ns", "vpc-1", 8080)
TASK = Task(
    "a" * 32, "arn:aws:ecs:us-east-1:111111111111:task/shop/" + "a" * 32, "127.0.0.9", "us-east-1a", "RUNNING", ""
)
PLACE = Place("embedded", ("--account", "1" * 12), "1" * 12, "us-east-1")

texts = st.text(st.characters(codec="utf-8"), max_size=20)
steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(ApiStep, texts, texts, st.dictionaries(texts, texts | st.integers(), max_size=3), st.tuples(texts)),
    st.builds(TellStep, texts, texts, st.integers(1, 65_535), st.booleans()),
    st.builds(SignalStep, texts, st.sampled_from(["KILL", "STOP", "CONT"]), st.sampled_from(["task", "proxy"])),
)


class Ecs:
    """An ECS that has one service, of which it keeps tags and what was asked."""

    def __init__(self, tags: Mapping[str, str] | None = None, desired: int = 3) -> None:
        self.tags = dict(tags or {})
        self.desired = desired
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.refuses = ""

    def _told(self) -> list[dict[str, str]]:
        return [{"key": key, "value": value} for key, value in self.tags.items()]

    def describe_services(self, **_: Any) -> dict[str, Any]:
        """It."""
        told = {"serviceArn": "arn:web", "desiredCount": self.desired, "taskDefinition": "web:1", "tags": self._told()}
        return {"services": [told]}

    def describe_task_definition(self, **_: Any) -> dict[str, Any]:
        """What its tasks run."""
        return {"taskDefinition": {"family": "web", "containerDefinitions": [{"name": "app", "command": ["run"]}]}}

    def register_task_definition(self, **_: Any) -> dict[str, Any]:
        """Another one."""
        return {"taskDefinition": {"taskDefinitionArn": "web:2"}}

    def describe_clusters(self, **_: Any) -> dict[str, Any]:
        """Its cluster, with the same tags."""
        return {"clusters": [{"tags": self._told()}]}

    def list_tags_for_resource(self, **_: Any) -> dict[str, Any]:
        """Its tags."""
        return {"tags": self._told()}

    def tag_resource(self, *, tags: list[dict[str, str]], **_: Any) -> None:
        """Changes them."""
        self.tags |= {one["key"]: one["value"] for one in tags}

    def untag_resource(self, **params: Any) -> None:
        """Takes some away."""
        for key in params["tagKeys"]:
            self.tags.pop(key, None)

    def update_service(self, **params: Any) -> None:
        """Keeps what was asked, or refuses."""
        self.asked.append(("update_service", params))
        if self.refuses:
            raise ClientError({"Error": {"Code": self.refuses, "Message": "no"}}, "UpdateService")


@given(steps)
def test_steps_survive_json(step: Step) -> None:
    """What the journal holds is what is undone."""
    assert read_step(json.loads(json.dumps(write_step(step)))) == step


@given(st.lists(st.tuples(st.lists(steps, max_size=3), st.booleans()), max_size=6), st.integers(0, 40))
def test_the_journal_knows_what_is_still_on(
    tmp_path_factory: pytest.TempPathFactory, faults: list[tuple[list[Step], bool]], cut: int
) -> None:
    """Whatever was begun and not undone, the latest first; a last line that was cut off had not begun."""
    path = tmp_path_factory.mktemp("journal") / "undo.jsonl"
    journal = UndoLog(path, PLACE)
    still = []
    for number, (undo, undone) in enumerate(faults):
        mark = journal.begins(f"fault-{number}", undo)
        if undone:
            journal.undone(mark)
        else:
            still.append((f"fault-{number}", tuple(undo)))
    journal.close()
    assert place_of(path) == PLACE
    assert [(one.fault, one.undo) for one in open_entries(path)] == list(reversed(still))
    with path.open("a") as file:
        file.write('{"begins": 99, "fault": "cut", "undo": []}'[:cut])
    assert [(one.fault, one.undo) for one in open_entries(path)] == list(reversed(still))


def test_a_damaged_journal_is_said_to_be_so(tmp_path: Path) -> None:
    """A line in the middle that is none, and a file that is not there."""
    (tmp_path / "undo.jsonl").write_text('{"place": {}}\nnonsense\n{"undone": 1}\n')
    with pytest.raises(SurveyorError, match="line 2 is damaged"):
        open_entries(tmp_path / "undo.jsonl")
    with pytest.raises(SurveyorError, match="cannot be read"):
        open_entries(tmp_path / "none.jsonl")


def test_a_step_that_fails_says_which_and_why() -> None:
    """Refused by the API, nobody listening, no control endpoint, an address that is not ours."""
    ecs = Ecs()
    hands = ActionContext(lambda service: ecs, None)
    step = ApiStep("ecs", "update_service", {"cluster": "shop"}, ("ServiceNotFoundException",))
    perform(step, hands)
    ecs.refuses = "ServiceNotFoundException"
    perform(step, hands)  # is as good as done
    ecs.refuses = "AccessDeniedException"
    with pytest.raises(FaultFailed, match=r"ecs\.update_service: the target refused it with AccessDeniedException"):
        perform(step, hands)
    gone = TellStep("127.99.99.99", "/exit", 9)
    with pytest.raises(FaultFailed, match="is the victim gone"):
        perform(gone, hands)
    perform(gone, hands, again=True)
    with pytest.raises(FaultFailed, match="no control endpoint"):
        perform(SignalStep(TASK.arn, "STOP"), hands)
    with pytest.raises(FaultFailed, match="only private addresses"):
        perform(TellStep("8.8.8.8", "/exit", 80), hands)


def test_who_is_watched_must_have_opted_in() -> None:
    """By a tag on cluster and service."""
    with pytest.raises(UsageError, match="the cluster shop has not opted in: tag it surveyor:chaos=allowed"):
        check_opt_in(Ecs(), SCENE)
    check_opt_in(Ecs({"surveyor:chaos": "allowed"}), SCENE)


@given(st.integers(0, 30), st.integers(1, 30), st.floats(0.01, 1), st.integers(0, 5))
def test_brakes_keep_share_and_floor(wanted: int, running: int, share: float, survivors: int) -> None:
    """What they let pass leaves enough, for any service; on one of our own all may go."""
    brakes, tasks = SafetyLimits(share=share, survivors=survivors), [TASK] * running
    try:
        brakes.victims(tasks[:wanted], tasks, own=False)
    except UsageError:
        assert wanted == 0 or wanted > int(share * running) or running - min(wanted, running) < survivors
    else:
        assert 0 < min(wanted, running) <= share * running
        assert running - min(wanted, running) >= survivors
    if wanted:
        brakes.victims(tasks[:wanted], tasks, own=True)


def test_an_experiment_is_stopped(tmp_path: Path) -> None:
    """By the kill file always, by too many errors on somebody's service."""
    file = tmp_path / "stop"
    brakes = SafetyLimits(errors=0.5, kill_file=file)
    brakes.look(0.9, own=True)
    brakes.look(0.4, own=False)
    with pytest.raises(Stopped, match="90% of the last calls failed, more than 50%"):
        brakes.look(0.9, own=False)
    file.touch()
    with pytest.raises(Stopped, match="kill file"):
        brakes.look(0.0, own=True)


def test_one_experiment_a_service_at_a_time(tmp_path: Path) -> None:
    """The second runner is refused; the tag goes with the first, and that of a run long dead does not count."""
    ecs = Ecs()
    journal = UndoLog(tmp_path / "undo.jsonl", PLACE)
    with one_at_a_time(ecs, SCENE, "first", journal, lambda: 1_000.0):
        assert ecs.tags == {BUSY: "first 1000"}
        with (
            pytest.raises(UsageError, match="run first has an experiment going on with this service: one at a time"),
            one_at_a_time(ecs, SCENE, "second", journal, lambda: 1_010.0),
        ):
            pass
        assert ecs.tags == {BUSY: "first 1000"}
    assert ecs.tags == {}
    assert open_entries(journal.path) == []
    ecs.tags[BUSY] = "dead 1000"
    with one_at_a_time(ecs, SCENE, "third", journal, lambda: 100_000.0):
        assert ecs.tags == {BUSY: "third 100000"}
    journal.close()


def test_an_unknown_fault_is_told_with_the_nearest() -> None:
    """And all that there are."""
    with pytest.raises(UsageError, match=r"there is no fault 'task.kil'; did you mean 'task.kill'"):
        fault_of("task.kil")


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_has_a_way_on_the_embedded_target_and_says_what_it_lacks(name: str) -> None:
    """With all features there is a way; with none it is told which are needed, by names that exist."""
    fault = FAULTS[name]
    assert fault.way(FEATURES, workload=True) is not None
    assert fault.way((), workload=True) is None
    assert fault.lacking(())
    for way in fault.ways:
        assert way.needs <= FEATURES.keys()


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.lasting])
def test_what_lasts_can_be_undone(name: str) -> None:
    """Its plan has steps that undo it, or it is one of this process, and ends with that."""

    class Cloudmap:
        def get_instance(self, **_: Any) -> dict[str, Any]:
            return {"Instance": {"Attributes": {"AWS_INSTANCE_IPV4": "127.0.0.9"}}}

        def get_service(self, **_: Any) -> dict[str, Any]:
            return {"Service": {"DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 60}]}}}

    hands = ActionContext(lambda service: Cloudmap() if service == "servicediscovery" else Ecs(), None)
    way = FAULTS[name].way(FEATURES, workload=True)
    assert way is not None
    plan = way.plan(SCENE, Victims([TASK], {"count": 9}), hands)
    assert plan.undo or plan.front


def test_the_proxy_before_a_task_answers_for_who_ended() -> None:
    """503 is what one expects of a task that was told to end, and of no other."""
    proxy = HttpProxy(lambda method, path, headers, body: Answer.of(503, {}))
    proxy.start()
    hands = ActionContext(lambda service: None, None)
    try:
        host, _, port = proxy.url.rpartition("/")[2].partition(":")
        perform(TellStep(host, "/exit", int(port), ends=True), hands)
        with pytest.raises(FaultFailed, match="it answered 503"):
            perform(TellStep(host, "/pause", int(port)), hands)
    finally:
        proxy.close()


def answering(upstream: HttpProxy) -> FaultProxy:
    """A front before it."""
    return FaultProxy.before(Upstream(upstream.url), None, random.Random(7))


def test_the_front_throttles_and_goes_silent() -> None:
    """As the API would, for callers only, and never again after the end."""
    real = HttpProxy(lambda method, path, headers, body: Answer.of(200, {"Instances": [path]}))
    real.start()
    front = answering(real)
    assert front.registry is not None
    ask = Upstream(front.registry.url)
    headers = {"X-Amz-Target": "Route53AutoNaming_v20170314.DiscoverInstances"}
    assert ask("POST", "/", headers, b"{}").value == {"Instances": ["/"]}
    front.set("registry.throttle", 1.0)
    throttled = ask("POST", "/", headers, b"{}")
    assert (throttled.status, throttled.value) == (400, {"__type": "RequestLimitExceeded", "Message": "Rate exceeded."})
    front.set("registry.throttle", 0)
    front.set("registry.unavailable", 1.0)
    with pytest.raises((OSError, Exception), match=r"closed|end|reset|Remote"):
        ask("POST", "/", headers, b"{}")
    front.set("registry.unavailable", 0)
    front.set("registry.stale", 1.0)
    assert ask("POST", "/again", headers, b"{}").value == {"Instances": ["/"]}
    front.set("registry.stale", 0)
    assert ask("POST", "/again", headers, b"{}").value == {"Instances": ["/again"]}
    front.close()
    ask.close()
    real.close()


def test_the_front_answers_names_wrongly_or_not_at_all() -> None:
    """SERVFAIL, NXDOMAIN, another address, silence."""

    def real(question: bytes, forward: object) -> bytes:
        answer = dns.message.make_response(dns.message.from_wire(question))
        answer.answer.append(dns.rrset.from_text("web.ns.", 20, "IN", "A", "127.0.0.9"))
        return answer.to_wire()

    upstream = DnsProxy(("127.0.0.1", 9), real)
    front = FaultProxy.before(Upstream("http://127.0.0.1:9"), upstream.address, random.Random(7))
    assert front.names is not None
    address, port = front.names.address

    def ask() -> dns.message.Message:
        return dns.query.udp(dns.message.make_query("web.ns.", "A"), address, 1.0, port)

    assert ask().answer[0][0].to_text() == "127.0.0.9"
    for fault, rcode in (("dns.servfail", dns.rcode.SERVFAIL), ("dns.nxdomain", dns.rcode.NXDOMAIN)):
        front.set(fault, 1.0)
        assert ask().rcode() == rcode
        front.set(fault, 0)
    front.set("dns.lie", 1.0)
    assert ask().answer[0][0].to_text() == front.lie
    front.set("dns.lie", 0)
    front.set("dns.timeout", 1.0)
    with pytest.raises(dns.exception.Timeout):
        ask()
    front.close()
    upstream.close()
