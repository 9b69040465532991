"""Verdicts on clients of every kind, from traffic as they make it."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

import pytest

from surveyor.clients.client_report import build_client_report, client_lines
from surveyor.clients.course import CourseLengths, CoursePhase, Seen
from surveyor.clients.judging import CHECKS, judge
from surveyor.clients.pages import render_client
from surveyor.clients.recognition import ANY, advice_for
from tests.clients.traffic_of import NAME, Script

FIRST, SECOND, THIRD, FOURTH = (tuple(f"172.31.{part}.{number}" for number in (4, 5, 6)) for part in range(1, 5))
EVERY = 0.5
START = 1_000.0


def course() -> dict[str, CoursePhase]:
    """Return the phases of a course of the default lengths."""
    lengths, at, phases = CourseLengths(), START, {}
    for name, addresses, dead, draining in (
        ("before", FIRST, (), ()),
        ("closing", FIRST, (), ()),
        ("dead-listed", FIRST, FIRST[:1], ()),
        ("dead", SECOND, FIRST, ()),
        ("gap", (), SECOND, ()),
        ("back", THIRD, (), ()),
        ("drain", FOURTH, (), THIRD),
    ):
        phases[name] = CoursePhase(at, at + lengths.of(name), addresses, dead, (), draining)
        at += lengths.of(name)
    return phases


class World:
    """What a client would find at a moment of the course: where the name leads, and which tasks answer."""

    def __init__(self) -> None:
        self.phases = course()
        self.script = Script()

    def phase(self, at: float) -> str:
        """Return the phase of a moment."""
        return next(name for name, phase in self.phases.items() if phase.began <= at < phase.ended)

    def resolve(self, at: float) -> Sequence[str]:
        """Ask for the name at a moment; return the addresses."""
        addresses = self.phases[self.phase(at)].addresses
        self.script.ask(at, *addresses)
        return addresses

    def answers(self, at: float, address: str) -> bool:
        """Return whether a task answers at a moment."""
        phase = self.phases[self.phase(at)]
        return address in (*phase.addresses, *phase.draining) and address not in phase.dead

    def call(self, at: float, address: str) -> bool:
        """Connect for one call; return whether a task answered."""
        if not self.answers(at, address):
            self.script.refused(at, address)
            return False
        self.script.call(at, address)
        return True

    def times(self) -> list[float]:
        """Return when a client calls."""
        end = self.phases["drain"].ended
        return [START + number * EVERY for number in range(int((end - START) / EVERY))]

    def seen(self) -> Seen:
        """Return what was seen of the client."""
        return Seen(NAME, 5.0, 30.0, START, self.phases, self.script.traffic)


def asks_each_time(world: World) -> None:
    """Resolve for each call, and walk the list."""
    for number, at in enumerate(world.times()):
        found = world.resolve(at)
        for step in range(len(found)):
            if world.call(at + 0.01 * (step + 1), found[(number + step) % len(found)]):
                break


def with_cache(keep: float, forget: float) -> Callable[[World], None]:
    """Return a client that keeps answers, and "no such name", for fixed times."""

    def play(world: World) -> None:
        known: Sequence[str] = ()
        expires = 0.0
        for number, at in enumerate(world.times()):
            if at >= expires:
                known = world.resolve(at)
                expires = at + (keep if known else forget)
            if known:
                world.call(at + 0.01, known[number % len(known)])

    return play


def pooled(world: World) -> None:
    """Keep one connection, and resolve for each new one; tasks close it after each answer in some phases."""
    address, began = "", 0.0
    requests: list[float] = []
    for at in world.times():
        closes = world.phase(at) in ("closing", "dead-listed", "dead")
        if address and (closes or not world.answers(at, address)):
            world.script.connect(began, address, *requests, ended=at)
            address = ""
        if closes:
            found = [each for each in world.resolve(at) if world.answers(at, each)]
            world.call(at + 0.01, found[0])
        elif not address:
            found = list(world.resolve(at))
            if found:
                address, requests, began = found[0], [at + 0.02], at + 0.01
        else:
            requests.append(at)
    world.script.connect(began, address, *requests)


def until_an_error(world: World) -> None:
    """Connect for each call to one address, which is kept until a call fails."""
    address = ""
    for at in world.times():
        if not address:
            found = world.resolve(at)
            address = found[0] if found else ""
        if address and not world.call(at + 0.01, address):
            address = ""


def after_errors(world: World, least: float = 30) -> None:
    """Keep one connection, also where tasks close others; ask after its loss only, at most every `least` seconds."""
    known, asked, address, began = world.resolve(START), START, "", START
    requests: list[float] = []
    for at in world.times():
        if address and not world.answers(at, address):
            world.script.connect(began, address, *requests, ended=at)
            address = ""
            if at - asked >= least:
                known, asked = world.resolve(at + 0.001), at
        elif address:
            requests.append(at)
            continue
        alive = [each for each in known if world.answers(at, each)]
        if not alive:
            for each in known:
                world.script.refused(at + 0.01, each)
            if at > START and at - asked >= (least if known else min(least, 2)):
                known, asked = world.resolve(at + 0.02), at
                alive = [each for each in known if world.answers(at, each)]
        if alive:
            address, requests, began = alive[0], [at + 0.04], at + 0.03
    world.script.connect(began, address, *requests)


def traits(play: Callable[[World], None]) -> dict[str, str]:
    """Return the traits of a client by check."""
    world = World()
    play(world)
    return {verdict.check: verdict.trait for verdict in judge(world.seen())}


def test_a_client_that_asks_each_time() -> None:
    """It asks before each connection, walks the list, and leaves everything at once."""
    assert traits(asks_each_time) == {
        "resolution": "asks-per-connection",
        "connections": "connects-per-call",
        "spread": "spreads-3-of-3",
        "walk": "walks",
        "dead": "leaves-dead",
        "nxdomain": "forgets-nxdomain",
        "drain": "leaves-draining",
        "families": "ipv4-only",
    }


def test_the_evidence_of_a_failed_walk_begins_with_a_refusal() -> None:
    """What follows shows that no other address was tried at once."""
    world = World()
    with_cache(5, 0)(world)
    [walk] = [verdict for verdict in judge(world.seen()) if verdict.check == "walk"]
    assert walk.evidence[0].endswith("refused")
    assert not walk.evidence[1].endswith("refused")


def test_a_client_that_keeps_the_ttl() -> None:
    """Its answers are as old as the TTL at most; it fails where an address of an answer is dead."""
    found = traits(with_cache(5, 0))
    assert (found["resolution"], found["walk"], found["dead"]) == ("keeps-ttl", "no-walk", "leaves-dead")
    assert (found["nxdomain"], found["drain"]) == ("forgets-nxdomain", "leaves-draining")


@pytest.mark.parametrize("keep", [12, 20, 30])
def test_a_client_that_keeps_answers_longer(keep: int) -> None:
    """The verdict has the time, and the drain is left late; "no such name" is remembered."""
    world = World()
    with_cache(keep, 8)(world)
    found = {verdict.check: verdict for verdict in judge(world.seen())}
    resolution = found["resolution"]
    assert (resolution.trait, resolution.level) == ("keeps-answers", "problem")
    assert resolution.seconds == pytest.approx(keep, abs=1)
    assert found["drain"].seconds is not None
    assert found["drain"].seconds <= keep
    if found["nxdomain"].trait != "not-seen":
        assert found["nxdomain"].trait == "remembers-nxdomain"
        assert found["nxdomain"].seconds == pytest.approx(8, abs=1)


def test_a_client_that_resolved_once() -> None:
    """It never finds the new tasks; what it would do without a name is not known."""
    found = traits(with_cache(1e9, 0))
    assert (found["resolution"], found["dead"]) == ("resolved-once", "never-leaves-dead")
    assert (found["nxdomain"], found["drain"]) == ("not-seen", "not-seen")


def test_a_client_with_a_pool() -> None:
    """It asks for each connection, which it keeps while its task answers: the drain is never left."""
    found = traits(pooled)
    assert (found["resolution"], found["connections"]) == ("asks-per-connection", "keeps-connections")
    assert (found["spread"], found["drain"]) == ("spreads-1-of-3", "keeps-draining")


@pytest.mark.parametrize("play", [until_an_error, lambda world: after_errors(world, 0)], ids=["calls", "pool"])
def test_a_client_that_asks_at_once_after_an_error(play: Callable[[World], None]) -> None:
    """Nothing shows a least time between two questions, whether it connects for each call or keeps a connection."""
    world = World()
    play(world)
    found = {verdict.check: verdict for verdict in judge(world.seen())}
    assert (found["resolution"].trait, found["resolution"].level) == ("asks-after-errors", "note")
    assert "at most" not in found["resolution"].sentence
    assert found["drain"].trait == "keeps-draining"


def test_of_two_clients_at_once_the_worse_one_is_seen() -> None:
    """One of a command's clients finds the new tasks, and the other one tries dead ones to the end."""
    world = World()
    asks_each_time(world)
    with_cache(1e9, 0)(world)
    [dead] = [verdict for verdict in judge(world.seen()) if verdict.check == "dead"]
    assert (dead.trait, dead.level) == ("leaves-dead", "problem")
    assert dead.seconds == pytest.approx(39.5, abs=1)
    assert "not all of it asks again" in dead.sentence


def test_answers_that_expire_when_a_task_dies_are_kept_all_the_same() -> None:
    """One question soon after an error is no habit."""
    found = traits(with_cache(71, 0))
    assert found["resolution"] == "keeps-answers"


def test_a_client_that_asks_after_errors_only() -> None:
    """The verdict has the least time between two questions, which is that of errors after the loss of all tasks."""
    world = World()
    after_errors(world)
    found = {verdict.check: verdict for verdict in judge(world.seen())}
    assert (found["resolution"].trait, found["resolution"].level) == ("asks-after-errors", "problem")
    assert found["resolution"].seconds is not None
    assert found["resolution"].seconds >= 30
    assert found["drain"].trait == "keeps-draining"


def test_the_first_question_gives_the_family() -> None:
    """A and AAAA of one lookup belong together."""
    for kinds, trait in ((("AAAA", "A"), "asks-ipv6-first"), (("A", "AAAA"), "asks-ipv4-first"), (("A",), "ipv4-only")):
        world = World()
        for at in world.times()[:40]:
            world.script.ask(at, *FIRST, kinds=kinds)
            world.script.call(at + 0.01, FIRST[0])
        assert {verdict.check: verdict.trait for verdict in judge(world.seen())}["families"] == trait


@pytest.mark.parametrize(
    ("tried", "reached", "trait"),
    [
        (True, True, "ipv6-first"),
        (True, False, "ipv6-only"),
        (False, True, "ipv4-first"),
    ],
)
def test_dead_ipv6_addresses_beside_tasks(trait: str, *, tried: bool, reached: bool) -> None:
    """A client that tries them first must fall back to IPv4."""
    world = World()
    asks_each_time(world)
    began, dead = world.phases["drain"].ended, "2001:db8::4"
    world.phases["ipv6"] = CoursePhase(began, began + 8, FOURTH, THIRD, (dead,), ())
    for at in (began + number for number in range(1, 7)):
        world.script.ask(at, dead, kinds=("AAAA",))
        if tried:
            world.script.refused(at + 0.01, dead)
        if reached:
            world.script.call(at + 0.02, FOURTH[0])
    assert {verdict.check: verdict.trait for verdict in judge(world.seen())}["families"] == trait


def test_a_client_that_never_calls() -> None:
    """Nothing is judged, with a question or without one."""
    world = World()
    assert [(verdict.trait, verdict.level) for verdict in judge(world.seen())] == [("never-called", "unknown")]
    world.script.ask(START, *FIRST)
    report = build_client_report(world.seen(), ["my-client"], 3, ())
    assert not report.is_judged
    assert "asked for backend.clients.internal, and called no task" in client_lines(report)[0]


def test_a_client_that_asks_for_records_that_are_not_there() -> None:
    """The name of the course has addresses only: the line on a client of SRV records says which name has those."""
    world = World()
    for at in world.times():
        world.script.ask(at, kinds=("SRV",))
    [verdict] = judge(world.seen())
    assert (verdict.trait, verdict.level) == ("never-called", "unknown")
    assert f"the type SRV only, and called no task; _http._tcp.{NAME} has SRV records" in verdict.sentence


def test_a_client_that_ignores_the_resolver() -> None:
    """A static address is named, whether it is that of a task or of nothing."""
    world = World()
    world.script.refused(START, "10.9.8.7", 80)
    [verdict] = judge(world.seen())
    assert (verdict.trait, verdict.level) == ("ignores-resolver", "problem")
    assert "10.9.8.7:80" in verdict.sentence
    world.script.call(START, FIRST[0])
    assert judge(world.seen())[0].trait == "ignores-resolver"


def test_other_ways_to_ask_are_named() -> None:
    """Questions over TCP count as questions; servers of DNS over HTTPS or TLS are a problem."""
    world = World()
    world.script.ask(START, *FIRST, over_tcp=True)
    world.script.call(START + 0.1, FIRST[0])
    world.script.refused(START + 1, "1.1.1.1", 853)
    found = [verdict for verdict in judge(world.seen()) if verdict.check == "transport"]
    assert [verdict.trait for verdict in found] == ["dns-over-tcp", "other-dns"]
    assert "1.1.1.1:853" in found[1].sentence


def test_an_early_end_leaves_the_rest_unjudged() -> None:
    """What was seen before is judged; the end is a problem."""
    world = World()
    asks_each_time(world)
    phases = {name: world.phases[name] for name in ("before", "closing")}
    seen = Seen(NAME, 5.0, 30.0, START, phases, world.script.traffic, "the command ended with status 3")
    found = {verdict.check: verdict for verdict in judge(seen)}
    assert found["resolution"].trait == "asks-per-connection"
    assert {found[name].level for name in ("walk", "dead", "nxdomain", "drain")} == {"unknown"}
    assert "ended with status 3" in found["command"].sentence


def test_thousands_of_connections_are_judged() -> None:
    """A client that opens a thousand connections at once is one that connects for each call."""
    world = World()
    for at in (START, START + 1, START + 2):
        world.script.ask(at, *FIRST)
        for number in range(1_000):
            world.script.call(at + 0.1 + number / 10_000, FIRST[number % 3])
    found = {verdict.check: verdict for verdict in judge(world.seen())}
    assert found["connections"].trait == "connects-per-call"
    assert set(CHECKS) <= set(found)
    assert all(len(verdict.evidence) <= 7 for verdict in found.values())


def test_a_problem_has_advice_and_may_be_allowed() -> None:
    """The advice names the setting of the software, with its source; what is allowed is no problem."""
    world = World()
    with_cache(30, 10)(world)
    report = build_client_report(world.seen(), ["java", "Client"], 3, ["OpenJDK"], ["no-walk"])
    advice = [line for verdict in report.problems for line in verdict.advice]
    assert any("networkaddress.cache.ttl" in line.text and line.source.startswith("https://") for line in advice)
    assert "no-walk" not in {verdict.trait for verdict in report.problems}
    assert any(line.startswith("allowed") for line in client_lines(report))


@pytest.mark.parametrize(
    ("trait", "families", "expected"),
    [
        ("keeps-draining", ["Python"], {"Python"}),
        ("keeps-draining", ["Python", "gRPC"], {"gRPC"}),
        ("keeps-answers", ["Python", "aiohttp"], {"aiohttp"}),
        ("remembers-nxdomain", ["Python", "aiohttp", "aiohttp with c-ares"], {"aiohttp with c-ares"}),
        ("keeps-draining", ["nginx"], {ANY}),
        ("no-walk", ["Python"], {ANY}),
        ("leaves-dead", ["OpenJDK"], {"OpenJDK"}),
        ("leaves-dead", ["Python", "gRPC"], {"gRPC"}),
        ("remembers-nxdomain", ["OpenJDK"], {"OpenJDK"}),
    ],
)
def test_advice_is_that_of_the_software(trait: str, families: list[str], expected: set[str]) -> None:
    """The library with its own setting counts more than its interpreter."""
    assert {family for family, _ in advice_for(trait, families)} == expected


def test_without_a_known_setting_all_are_shown() -> None:
    """A library that is Python alone is not recognised: its client may be of any software."""
    for families in ([], ["Python"]):
        assert "OpenJDK" in {family for family, _ in advice_for("keeps-answers", families)}


def test_the_page_has_all_of_the_report() -> None:
    """Each verdict with its evidence and its advice, as the JSON has them."""
    world = World()
    with_cache(30, 10)(world)
    report = build_client_report(world.seen(), ["java", "Client"], 3, ["OpenJDK"])
    page = html.unescape(render_client(report))
    for verdict in report.verdicts:
        assert verdict.sentence in page
        assert all(line.strip() in page for line in verdict.evidence)
        assert all(line.text in page and line.source in page for line in verdict.advice)


def test_a_name_that_is_asked_for_twice_in_a_call_is_asked_for_once() -> None:
    """Python's gethostbyname_ex does that; the verdict counts the calls."""
    world = World()
    known: Sequence[str] = ()
    for number, at in enumerate(world.times()):
        if number % 10 == 0:
            known = [*world.resolve(at), *world.resolve(at + 0.002)]
        if known:
            world.call(at + 0.01, known[number % len(known)])
    found = {verdict.check: verdict for verdict in judge(world.seen())}
    assert found["resolution"].trait == "keeps-ttl"
    assert found["resolution"].seconds == pytest.approx(5, abs=0.1)
    assert (found["nxdomain"].trait, found["nxdomain"].level) == ("remembers-nxdomain", "note")


def test_what_a_client_causes_is_shown_as_text() -> None:
    """Neither the command nor an answer can put markup into the page."""
    world = World()
    world.script.call(START, FIRST[0])
    page = render_client(build_client_report(world.seen(), ["<script>alert(1)</script>\x1b[2J"], 3, ()))
    assert "<script>" not in page
    assert "\x1b" not in page
    assert "&lt;script&gt;" in page
