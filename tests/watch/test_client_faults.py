"""Faults between the clients of a watch and what they ask: when they are in effect, and what is recorded of them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from botocore.credentials import Credentials

from surveyor.callers import RegistryClient, fixed
from surveyor.callers.client_models import Source
from surveyor.chaos.actions import ActionContext
from surveyor.chaos.fault_proxy import FaultProxy
from surveyor.chaos.faults import FAULTS, Victims
from surveyor.errors import UsageError
from surveyor.history import Recorder, load_history
from surveyor.watch.client_faults import CLIENT_FAULTS, ClientFaults, check_client_faults
from tests.history.test_reading import HEADER
from tests.watch.test_clients import REGISTERED

NOW = 100.0


def faults(*names: str) -> ClientFaults:
    """Return faults that last ten seconds, with a proxy that nothing asks."""
    client = RegistryClient("http://127.0.0.1:9", "us-east-1", lambda: Credentials("key", "secret"))
    return ClientFaults(names, 10.0, REGISTERED, FaultProxy(random.Random(7)), client)


def test_all_begin_once_and_end_when_their_time_is_over(tmp_path: Path) -> None:
    """What is in effect, each answer that it changed, and the end are in the history."""
    chosen = faults("registry.partial", "dns.timeout")
    recorder = Recorder(tmp_path / "h.jsonl", HEADER, iter(range(1_000)).__next__)
    chosen.record_in(recorder)
    assert chosen.begin(NOW)
    assert not chosen.begin(NOW + 1)
    assert chosen.proxy.faults["registry.partial"].amount == 0.5
    assert chosen.proxy.hits("dns.timeout", "dns:question")
    chosen.advance(NOW + 9.9)
    assert chosen.proxy.faults.keys() == {"registry.partial", "dns.timeout"}
    chosen.advance(NOW + 10)
    chosen.end()
    recorder.close()
    history = load_history(tmp_path / "h.jsonl")
    assert chosen.proxy.faults == {}
    assert [(fault.fault, fault.lasting) for fault in history.faults] == [
        ("registry.partial", True), ("dns.timeout", True),
    ]  # fmt: skip
    assert [undo.of for undo in history.undos] == [fault.number for fault in history.faults]
    assert [(injection.fault, injection.call) for injection in history.injections] == [("dns.timeout", "dns:question")]


def test_questions_are_recorded_once_there_is_a_history(tmp_path: Path) -> None:
    """A question of the first call is not; that for a load balancer's address is about no view of the service."""
    chosen = faults("registry.throttle")
    ask = chosen.question(lambda: fixed(("10.0.0.1", 80)), "registry")
    assert next(iter(ask().members.values())).address == "10.0.0.1"
    recorder = Recorder(tmp_path / "h.jsonl", HEADER, iter(range(1_000)).__next__)
    chosen.record_in(recorder)
    ask()
    chosen.question(lambda: fixed(("10.0.0.1", 80)), "balancer")()
    recorder.close()
    assert [(look.actor, look.view) for look in load_history(tmp_path / "h.jsonl").view_snapshots] == [
        ("client", "healthy")
    ]


@pytest.mark.parametrize(
    ("name", "sources", "message"),
    [
        ("registry.empty", {"name", "balancer"}, "asks Cloud Map: add --client api-healthy"),
        ("clock.skew", {"proxy"}, "asks Cloud Map: add --client api-healthy"),
        ("dns.lie", {"registry", "revision"}, "asks a resolver: add --client dns"),
        ("dns.lie", {"registry", "name"}, ""),
        ("registry.stale", {"revision"}, ""),
    ],
)
def test_a_fault_that_would_hit_nothing_is_refused(name: str, sources: set[Source], message: str) -> None:
    """Otherwise a watch would say that its clients bear it."""
    if not message:
        faults(name).require_effect(sources)
        return
    with pytest.raises(UsageError, match=f"--fault {name}: no client of this watch {message}"):
        faults(name).require_effect(sources)


@pytest.mark.parametrize("name", ["task.kill", "registry.ghost", "registry.throtle", "\x1b[31m"])
def test_faults_of_the_service_are_refused(name: str) -> None:
    """A watch changes nothing: what deregisters or stops something is left to experiments."""
    with pytest.raises(UsageError, match="a watch has no fault") as refused:
        check_client_faults([name])
    assert "\x1b" not in str(refused.value)
    assert ("did you mean 'registry.throttle'" in str(refused.value)) == (name == "registry.throtle")


def refuse(service: str) -> None:
    """Fail: no client of the account is needed."""
    raise AssertionError(service)


def test_each_of_them_only_changes_answers() -> None:
    """None has an action to perform, and each lasts until it is undone."""
    for name in CLIENT_FAULTS:
        plan = FAULTS[name].implementations[0].plan(REGISTERED, Victims(), ActionContext(refuse, None))
        assert (plan.begin, plan.undo, plan.count) == ((), (), None), name
        assert plan.proxy_share == 1.0, name
        assert FAULTS[name].lasting, name
