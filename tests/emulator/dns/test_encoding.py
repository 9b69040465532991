"""dnspython can read encoded answers, and random choices are fair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from surveyor_emulator.aws.route53.answers import DnsAnswer, DnsRecord
from surveyor_emulator.dns import wire
from surveyor_emulator.dns.encoding import Envelope, encode, make_renderer

NAME = "a.example.com."
QUERY = dns.message.make_query(NAME, "A", id=0)
QUESTION = QUERY.to_wire()[12:]
SOA = DnsRecord("example.com.", "SOA", 900, "ns-0.awsdns-00.com. mail.example.com. 1 7200 900 1209600 86400")

Ask = Callable[..., Callable[[], dns.message.Message]]


def addresses(count: int) -> tuple[tuple[DnsRecord, ...], ...]:
    """Return ``count`` options of one address each."""
    return tuple((DnsRecord(NAME, "A", 60, f"10.0.{n // 250}.{n % 250}"),) for n in range(count))


@pytest.fixture
def render() -> Ask:
    """Return a function that builds a renderer whose messages dnspython reads: ``render(answer)()``."""

    def make(
        answer: DnsAnswer, *, limit: int = 1232, edns: bool = False, recursive: bool = False
    ) -> Callable[[], dns.message.Message]:
        envelope = Envelope(int(QUERY.flags), QUESTION, wire.opt_record() if edns else b"", limit, recursive)
        produce = make_renderer(encode(answer, NAME, recursive=recursive), envelope, Random(5))
        return lambda: dns.message.from_wire(b"\0\0" + produce())

    return make


def values(message: dns.message.Message) -> tuple[str, ...]:
    """Return the addresses of an answer, in their order."""
    found = message.get_rrset("ANSWER", QUERY.question[0].name, dns.rdataclass.IN, dns.rdatatype.A)
    return tuple(str(item) for item in found) if found else ()


def test_a_fixed_answer_is_read_back(render: Ask) -> None:
    """dnspython reads the records, authority and flags; an authoritative server sets AA, a resolver RA."""
    fixed = (DnsRecord(NAME, "CNAME", 60, "b.example.com."), DnsRecord("b.example.com.", "A", 30, "192.0.2.1"))
    for recursive, expected in ((False, dns.flags.AA), (True, dns.flags.RA)):
        message = render(DnsAnswer("NXDOMAIN", fixed=fixed, authority=(SOA,)), recursive=recursive)()
        assert message.flags == dns.flags.QR | dns.flags.RD | expected | dns.rcode.NXDOMAIN
        assert message.question == QUERY.question
        assert message.answer == [
            dns.rrset.from_text(NAME, 60, "IN", "CNAME", "b.example.com."),
            dns.rrset.from_text("b.example.com.", 30, "IN", "A", "192.0.2.1"),
        ]
        assert message.authority[0].ttl == 900


@pytest.mark.parametrize("count", [0, 1, 2, 5, 6, 7, 8])
def test_up_to_eight_options_are_all_answered(render: Ask, count: int) -> None:
    """Every answer holds all options, in changing orders, each equally often in the first position."""
    ask = render(DnsAnswer(shuffled=addresses(count), limit=8))
    expected = {row.value for option in addresses(count) for row in option}
    first = Counter[str]()
    for _ in range(200 * count or 1):
        found = values(ask())
        assert len(found) == count
        assert set(found) == expected
        first.update(found[:1])
    # 200 are expected of each; with this seed all are within four standard deviations of it.
    assert all(abs(seen - 200) < 60 for seen in first.values())
    assert len(first) == count


@pytest.mark.soak
@pytest.mark.parametrize("count", [9, 12, 100])
def test_eight_of_more_options_are_picked_at_random(render: Ask, count: int) -> None:
    """Each answer holds eight different options; all are picked about equally often, in varying subsets."""
    ask = render(DnsAnswer(shuffled=addresses(count), limit=8))
    rounds = 250 * count // 8
    seen, subsets = Counter[str](), set()
    for _ in range(rounds):
        found = values(ask())
        assert len(set(found)) == 8
        seen.update(found)
        subsets.add(frozenset(found))
    # 250 are expected of each; the bound is five standard deviations.
    assert len(seen) == count
    assert all(abs(times - 250) < 80 for times in seen.values())
    assert len(subsets) == 9 if count == 9 else len(subsets) > rounds // 3


def test_one_option_is_picked_by_weight(render: Ask) -> None:
    """Each answer holds one option, in proportion to the weights."""
    options = tuple(
        (weight, DnsAnswer(shuffled=(option,), limit=1)) for weight, option in zip((1, 2, 5), addresses(3), strict=True)
    )
    ask = render(DnsAnswer(weighted=options))
    seen = Counter(ask_once for _ in range(4000) for ask_once in values(ask()))
    assert sum(seen.values()) == 4000
    for value, expected in (("10.0.0.0", 500), ("10.0.0.1", 1000), ("10.0.0.2", 2500)):
        assert abs(seen[value] - expected) < 150


def test_options_may_hold_several_records(render: Ask) -> None:
    """Options with different numbers of values are picked as a whole."""
    options = tuple(tuple(DnsRecord(NAME, "A", 60, f"10.0.{n}.{m}") for m in range(n % 3 + 1)) for n in range(12))
    ask = render(DnsAnswer(shuffled=options, limit=8, fixed=()))
    for _ in range(50):
        picked = Counter(value.split(".")[2] for value in values(ask()))
        assert len(picked) == 8
        assert all(count == int(n) % 3 + 1 for n, count in picked.items())


def test_a_too_long_message_is_truncated(render: Ask) -> None:
    """It has TC, no records, but question and OPT; a message that fits exactly is sent."""
    answer = DnsAnswer(shuffled=addresses(30), limit=30)
    whole = len(render(answer, limit=65535)().to_wire())
    short = render(answer, limit=511, edns=True)()
    assert short.flags & dns.flags.TC
    assert (short.answer, short.authority, short.edns, short.question) == ([], [], 0, QUERY.question)
    size = 12 + len(QUESTION) + 30 * 16
    assert len(values(render(answer, limit=size)())) == 30
    assert render(answer, limit=size - 1)().flags & dns.flags.TC
    assert whole <= size


def test_optional_sections_are_left_out_of_long_messages(render: Ask) -> None:
    """Of a successful answer the additional section is left out first, then the authority section, before TC is set."""
    options = tuple((DnsRecord(NAME, "SRV", 60, f"1 1 80 h{n}.example.com."),) for n in range(3))
    servers = tuple(DnsRecord("example.com.", "NS", 60, f"ns-{n}.awsdns-00.com.") for n in range(4))
    hosts = tuple(DnsRecord(f"h{n}.example.com.", "A", 60, f"192.0.2.{n}") for n in range(3))
    answer = DnsAnswer(shuffled=options, limit=2, authority=servers, additional=hosts)
    sections = []
    for limit in (1232, 280, 150, 50):
        message = render(answer, limit=limit, edns=True)()
        counts = [sum(map(len, section)) for section in (message.answer, message.authority, message.additional)]
        sections.append((*counts, bool(message.flags & dns.flags.TC)))
    assert sections == [(2, 4, 2, False), (2, 4, 0, False), (2, 0, 0, False), (0, 0, 0, True)]
    whole = render(answer)()
    cited = {record.target for rrset in whole.answer for record in rrset}
    assert {rrset.name for rrset in whole.additional} == cited


def test_truncation_depends_on_the_picked_option(render: Ask) -> None:
    """Of options with different sizes, only those that do not fit are truncated."""
    options = tuple((DnsRecord(NAME, "TXT", 60, f'"{"x" * size}"'),) for size in (10, 250))
    weighted = DnsAnswer(weighted=tuple((1, DnsAnswer(shuffled=(option,), limit=1)) for option in options))
    ask = render(weighted, limit=100)
    truncated = Counter(bool(ask().flags & dns.flags.TC) for _ in range(100))
    assert 20 < truncated[True] < 80


def test_the_same_seed_yields_the_same_answers() -> None:
    """All random choices depend on the generator only."""
    encoded = encode(DnsAnswer(shuffled=addresses(20), limit=8), NAME, recursive=False)
    envelope = Envelope(0, QUESTION, b"", 1232, recursive=False)
    runs = []
    for _ in range(2):
        produce = make_renderer(encoded, envelope, Random(9))
        runs.append([produce() for _ in range(20)])
    assert runs[0] == runs[1]
