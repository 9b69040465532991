"""The parts of chaos: actions as data, the undo log, safety limits, faults by target, and the fault proxy."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from surveyor.callers import (
    CachePolicy,
    CallerThread,
    Client,
    Request,
    Resolver,
    Timeouts,
    ViewContents,
)  # fmt: skip
from surveyor.chaos.actions import (
    Action,
    ActionContext,
    AddressSetting,
    ApiAction,
    FaultFailed,
    TaskCommand,
    TaskSignal,
    dump_action,
    load_action,
    perform,
)
from surveyor.chaos.faults import FAULTS, Victims, find_fault
from surveyor.chaos.safety_limits import RUN_TAG, ExperimentStopped, SafetyLimits, check_opt_in, exclusive_run
from surveyor.chaos.undo_log import UndoLog, UndoTarget, open_entries, read_target
from surveyor.claims.features import FEATURES
from surveyor.errors import SurveyorError, UsageError
from surveyor.history import Recorder
from surveyor.observers.service_under_test import ServiceTask, ServiceUnderTest
from surveyor.proxies import HttpProxy, ProxyResponse
from surveyor.targets.control import Control

SERVICE = ServiceUnderTest("1" * 12, "us-east-1", "shop", "web", "srv-1", "ns", "web", "web.ns", "vpc-1", 8080)
TASK = ServiceTask(
    "a" * 32, "arn:aws:ecs:us-east-1:111111111111:task/shop/" + "a" * 32, "127.0.0.9", "us-east-1a", "RUNNING", ""
)
UNDO_TARGET = UndoTarget("embedded", ("--account", "1" * 12), "1" * 12, "us-east-1")


def idle_caller(recorder: Recorder) -> CallerThread:
    """Return a caller that has not started, and knows no address."""
    resolver = Resolver(lambda: ViewContents({}), CachePolicy())
    return CallerThread([Client(resolver, Request(), Timeouts(), random.Random(7))], recorder, 10)


texts = st.text(st.characters(codec="utf-8"), max_size=20)
actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(ApiAction, texts, texts, st.dictionaries(texts, texts | st.integers(), max_size=3), st.tuples(texts)),
    st.builds(TaskCommand, texts, texts, st.integers(1, 65_535), st.booleans()),
    st.builds(TaskSignal, texts, st.sampled_from(["KILL", "STOP", "CONT"]), st.sampled_from(["task", "proxy"])),
    st.builds(AddressSetting, st.sampled_from(["vanish", "refuse"])),
)


class Ecs:
    """An ECS with one service, whose tags and updates it keeps."""

    def __init__(self, tags: Mapping[str, str] | None = None, desired: int = 3) -> None:
        self.tags = dict(tags or {})
        self.desired = desired
        self.updates: list[tuple[str, Mapping[str, Any]]] = []
        self.error_code = ""

    def _tag_list(self) -> list[dict[str, str]]:
        return [{"key": key, "value": value} for key, value in self.tags.items()]

    def describe_services(self, **_: Any) -> dict[str, Any]:
        """Describe the service."""
        service = {"serviceArn": "arn:web", "desiredCount": self.desired, "taskDefinition": "web:1"}
        return {"services": [{**service, "tags": self._tag_list()}]}

    def describe_task_definition(self, **_: Any) -> dict[str, Any]:
        """Describe the task definition of its tasks."""
        return {"taskDefinition": {"family": "web", "containerDefinitions": [{"name": "app", "command": ["run"]}]}}

    def register_task_definition(self, **_: Any) -> dict[str, Any]:
        """Return another task definition."""
        return {"taskDefinition": {"taskDefinitionArn": "web:2"}}

    def describe_clusters(self, **_: Any) -> dict[str, Any]:
        """Describe its cluster, with the same tags."""
        return {"clusters": [{"tags": self._tag_list()}]}

    def list_tags_for_resource(self, **_: Any) -> dict[str, Any]:
        """List its tags."""
        return {"tags": self._tag_list()}

    def tag_resource(self, *, tags: list[dict[str, str]], **_: Any) -> None:
        """Add tags."""
        self.tags |= {tag["key"]: tag["value"] for tag in tags}

    def untag_resource(self, **params: Any) -> None:
        """Remove tags."""
        for key in params["tagKeys"]:
            self.tags.pop(key, None)

    def update_service(self, **params: Any) -> None:
        """Keep the parameters, or raise the error."""
        self.updates.append(("update_service", params))
        if self.error_code:
            raise ClientError({"Error": {"Code": self.error_code, "Message": "no"}}, "UpdateService")


@given(actions)
def test_actions_survive_json(action: Action) -> None:
    """An action is the same after a round trip through the undo log."""
    assert load_action(json.loads(json.dumps(dump_action(action)))) == action


@given(st.lists(st.tuples(st.lists(actions, max_size=3), st.booleans()), max_size=6), st.integers(0, 40))
def test_the_undo_log_lists_open_faults(
    tmp_path_factory: pytest.TempPathFactory, faults: list[tuple[list[Action], bool]], cut: int
) -> None:
    """The log lists each fault that began and was not undone, the latest first, and ignores a last line cut off."""
    path = tmp_path_factory.mktemp("undo") / "undo.jsonl"
    undo_log = UndoLog(path, UNDO_TARGET)
    expected = []
    for number, (undo, undone) in enumerate(faults):
        mark = undo_log.begin(f"fault-{number}", undo)
        if undone:
            undo_log.mark_undone(mark)
        else:
            expected.append((f"fault-{number}", tuple(undo)))
    undo_log.close()
    assert read_target(path) == UNDO_TARGET
    assert [(entry.fault, entry.undo) for entry in open_entries(path)] == list(reversed(expected))
    with path.open("a") as file:
        file.write('{"begin": 99, "fault": "cut", "undo": []}'[:cut])
    assert [(entry.fault, entry.undo) for entry in open_entries(path)] == list(reversed(expected))


def test_a_damaged_undo_log_is_reported(tmp_path: Path) -> None:
    """A damaged line in the middle and a missing file raise an error that says so."""
    (tmp_path / "undo.jsonl").write_text('{"target": {}}\nnonsense\n{"undone": 1}\n')
    with pytest.raises(SurveyorError, match="line 2 is damaged"):
        open_entries(tmp_path / "undo.jsonl")
    with pytest.raises(SurveyorError, match="cannot be read"):
        open_entries(tmp_path / "none.jsonl")


def test_a_failed_action_says_which_and_why() -> None:
    """The error names the action and the reason: an API error, no listener, no control endpoint, a public address."""
    ecs = Ecs()
    context = ActionContext(lambda service: ecs, None)
    action = ApiAction("ecs", "update_service", {"cluster": "shop"}, ("ServiceNotFoundException",))
    perform(action, context)
    ecs.error_code = "ServiceNotFoundException"
    perform(action, context)  # counts as success
    ecs.error_code = "AccessDeniedException"
    with pytest.raises(FaultFailed, match=r"ecs\.update_service: not permitted: UpdateService"):
        perform(action, context)
    ecs.error_code = "ClientException"
    with pytest.raises(FaultFailed, match=r"ecs\.update_service: the target refused it with ClientException"):
        perform(action, context)
    gone = TaskCommand("127.99.99.99", "/exit", 9)
    with pytest.raises(FaultFailed, match="is the victim gone"):
        perform(gone, context)
    perform(gone, context, undoing=True)
    with pytest.raises(FaultFailed, match="no control endpoint"):
        perform(TaskSignal(TASK.arn, "STOP"), context)
    with pytest.raises(FaultFailed, match="to private addresses only"):
        perform(TaskCommand("8.8.8.8", "/exit", 80), context)


class Flaky:
    """An ECS that fails some times before it takes a tag away."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    def untag_resource(self, **_: Any) -> dict[str, Any]:
        """Fail as a service that cannot answer, as long as there are failures."""
        self.failures -= 1
        if self.failures >= 0:
            response: Any = {"Error": {"Code": "ServerException"}, "ResponseMetadata": {"HTTPStatusCode": 503}}
            raise ClientError(response, "UntagResource")
        return {}


def test_an_undo_is_repeated_while_a_service_cannot_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure of the service leaves nothing behind; the beginning of a fault is not repeated after one."""
    monkeypatch.setattr("surveyor.chaos.actions.RETRY_EVERY", 0.0)
    untag = ApiAction("ecs", "untag_resource", {})
    ecs = Flaky(5)
    perform(untag, ActionContext(lambda service: ecs, None), undoing=True)
    assert ecs.failures == -1
    ecs = Flaky(5)
    with pytest.raises(FaultFailed, match="refused it with ServerException"):
        perform(untag, ActionContext(lambda service: ecs, None))
    assert ecs.failures == 4
    monkeypatch.setattr("surveyor.chaos.actions.RETRY_FOR", 0.0)
    with pytest.raises(FaultFailed, match="refused it with ServerException"):
        perform(untag, ActionContext(lambda service: Flaky(1_000_000), None), undoing=True)


def test_a_service_must_have_opted_in() -> None:
    """A cluster and a service without the opt-in tag are refused."""
    both = "the cluster shop and the service web have not opted in to chaos: tag both surveyor:chaos=allowed"
    with pytest.raises(UsageError, match=both):
        check_opt_in(Ecs(), SERVICE)
    check_opt_in(Ecs({"surveyor:chaos": "allowed"}), SERVICE)


def test_an_experiment_is_stopped(tmp_path: Path) -> None:
    """The kill file stops any experiment, too many errors only one with an existing service."""
    file = tmp_path / "stop"
    limits = SafetyLimits(max_error_rate=0.5, kill_file=file)
    limits.check_progress(0.9, temporary=True)
    limits.check_progress(0.4, temporary=False)
    with pytest.raises(ExperimentStopped, match="90% of the last calls failed, more than 50%"):
        limits.check_progress(0.9, temporary=False)
    file.touch()
    with pytest.raises(ExperimentStopped, match="kill file"):
        limits.check_progress(0.0, temporary=True)


def test_one_experiment_per_service_at_a_time(tmp_path: Path) -> None:
    """A second run is refused; the first run's tag is removed at its end, and a stale tag is ignored."""
    ecs = Ecs()
    undo_log = UndoLog(tmp_path / "undo.jsonl", UNDO_TARGET)
    with exclusive_run(ecs, SERVICE, "first", undo_log, lambda: 1_000.0):
        assert ecs.tags == {RUN_TAG: "first 1000"}
        with (
            pytest.raises(
                UsageError, match="run first has an experiment in progress with this service: only one may run"
            ),
            exclusive_run(ecs, SERVICE, "second", undo_log, lambda: 1_010.0),
        ):
            pass
        assert ecs.tags == {RUN_TAG: "first 1000"}
    assert ecs.tags == {}
    assert open_entries(undo_log.path) == []
    ecs.tags[RUN_TAG] = "dead 1000"
    with exclusive_run(ecs, SERVICE, "third", undo_log, lambda: 100_000.0):
        assert ecs.tags == {RUN_TAG: "third 100000"}
    undo_log.close()


def test_a_run_reads_its_own_tag_before_it_starts(tmp_path: Path) -> None:
    """While reads lag the tag is as before; the tag of another run, written later, is noticed."""

    class Late(Ecs):
        """Answers twice with the tags before."""

        earlier: ClassVar[list[list[dict[str, str]]]] = []

        def list_tags_for_resource(self, **_: Any) -> dict[str, Any]:
            return {"tags": self.earlier.pop()} if self.earlier else super().list_tags_for_resource()

    ecs = Late()
    undo_log = UndoLog(tmp_path / "undo.jsonl", UNDO_TARGET)
    for before in ([], [{"key": RUN_TAG, "value": "dead 1000"}]):
        ecs.tags = {tag["key"]: tag["value"] for tag in before}
        ecs.earlier.extend([before] * 2)
        with exclusive_run(ecs, SERVICE, "first", undo_log, lambda: 100_000.0):
            assert (ecs.earlier, ecs.tags) == ([], {RUN_TAG: "first 100000"})
    ecs.earlier.extend([[{"key": RUN_TAG, "value": "second 100001"}], []])
    with (
        pytest.raises(UsageError, match="run second has an experiment"),
        exclusive_run(ecs, SERVICE, "first", undo_log, lambda: 100_000.0),
    ):
        pass
    undo_log.close()


def test_an_unknown_fault_is_reported_with_the_nearest() -> None:
    """The error for an unknown fault suggests the nearest one."""
    with pytest.raises(UsageError, match=r"there is no fault 'task.kil'; did you mean 'task.kill'"):
        find_fault("task.kil")


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_has_an_implementation_and_names_missing_features(name: str) -> None:
    """With all features each fault has an implementation; with none it names the known features that it needs."""
    fault = FAULTS[name]
    assert fault.implementation_for(FEATURES, workload=True) is not None
    assert fault.implementation_for((), workload=True) is None
    assert fault.missing(())
    for implementation in fault.implementations:
        assert implementation.needs <= FEATURES.keys()


def test_a_fault_of_a_host_needs_one() -> None:
    """Without a host beside the tasks the reason names what the setup lacks."""
    assert "ServiceSetup(host=True)" in FAULTS["host.fail"].unavailable(FEATURES, SERVICE)
    assert FAULTS["host.fail"].unavailable(FEATURES, replace(SERVICE, host=TASK)) == ""


class Addresses(Control):
    """A control endpoint that has only the setting of stopped addresses."""

    def __init__(self) -> None:
        self.value = "refuse"

    def stopped_addresses(self) -> str:
        """Return the setting."""
        return self.value

    def set_stopped_addresses(self, value: str) -> None:
        """Change it."""
        self.value = value


def test_addresses_vanish_and_are_restored() -> None:
    """The fault changes the setting of the target, and its undo restores what it was."""
    control = Addresses()
    context = ActionContext(lambda service: None, control)
    plan = FAULTS["address.vanish"].implementations[0].plan(SERVICE, Victims(), context)
    perform(plan.begin[0], context)
    assert control.value == "vanish"
    perform(plan.undo[0], context, undoing=True)
    assert control.value == "refuse"


def test_what_an_agent_refuses_is_a_failed_fault() -> None:
    """The task answers with 200; status and answer of its agent are in the error."""
    said = {"status": 400, "answer": {"Error": "enableFaultInjection is not enabled for task: t"}}
    task = HttpProxy(lambda method, path, headers, body: ProxyResponse.from_json(200, said))
    task.start()
    context = ActionContext(lambda service: None, None)
    try:
        host, _, port = task.url.rpartition("/")[2].partition(":")
        with pytest.raises(FaultFailed, match=r"its agent answered 400: .*enableFaultInjection is not enabled"):
            perform(TaskCommand(host, "/fault?fault=network-latency&do=start", int(port)), context)
    finally:
        task.close()


def test_a_patient_command_waits_for_its_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task in a black hole does not answer; the command is repeated until it does, for as long as its patience."""
    silent = iter([True, True, False])

    def answer(*_: object) -> tuple[int, dict[str, Any]]:
        if next(silent):
            raise ConnectionError("no")
        return 200, {}

    monkeypatch.setattr("surveyor.chaos.actions.command_task", answer)
    monkeypatch.setattr("surveyor.chaos.actions.RETRY_EVERY", 0.0)
    context = ActionContext(lambda service: None, None)
    with pytest.raises(FaultFailed, match="is the victim gone"):
        perform(TaskCommand("127.0.0.1", "/fault", 1), context)
    perform(TaskCommand("127.0.0.1", "/fault", 1, patience=60), context)


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.lasting])
def test_a_lasting_fault_can_be_undone(name: str) -> None:
    """The plan of a lasting fault has actions that undo it, or it is a fault of the proxy."""

    class Cloudmap:
        def get_instance(self, **_: Any) -> dict[str, Any]:
            return {"Instance": {"Attributes": {"AWS_INSTANCE_IPV4": "127.0.0.9"}}}

        def get_service(self, **_: Any) -> dict[str, Any]:
            return {"Service": {"DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 60}]}}}

    context = ActionContext(lambda service: Cloudmap() if service == "servicediscovery" else Ecs(), Addresses())
    implementation = FAULTS[name].implementation_for(FEATURES, workload=True)
    assert implementation is not None
    plan = implementation.plan(replace(SERVICE, host=TASK), Victims([TASK], {"count": 9}), context)
    assert plan.undo or plan.proxy_share


def test_503_is_expected_only_of_a_task_that_may_have_ended() -> None:
    """503 from the proxy before a task is silence of the task: a failure unless the command ends it, or undoes."""
    proxy = HttpProxy(lambda method, path, headers, body: ProxyResponse.from_json(503, {}))
    proxy.start()
    context = ActionContext(lambda service: None, None)
    try:
        host, _, port = proxy.url.rpartition("/")[2].partition(":")
        perform(TaskCommand(host, "/exit", int(port), ends=True), context)
        perform(TaskCommand(host, "/health?do=pass", int(port)), context, undoing=True)
        with pytest.raises(FaultFailed, match=r"its proxy answered 503; is the victim gone\?"):
            perform(TaskCommand(host, "/pause", int(port)), context)
    finally:
        proxy.close()
