"""Queries are answered correctly, tested without sockets."""

from __future__ import annotations

from random import Random

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surveyor_emulator.aws.ec2 import vpcs_of
from surveyor_emulator.aws.route53.published_zones import published_zones
from surveyor_emulator.aws.route53.record_model import RecordKey, RecordSet
from surveyor_emulator.aws.route53.state import VpcKey
from surveyor_emulator.core.world import World
from surveyor_emulator.dns.responder import _MAX_CACHED, NameServer, Resolver, Responder

ACCOUNT = "000000000000"


@pytest.fixture
def resolver(world: World) -> Resolver:
    """Return the resolver of the default VPC."""
    region = world.settings.region
    vpc = next(iter(vpcs_of(world, ACCOUNT, region)))
    return Resolver(world, Random(1), ACCOUNT, VpcKey(vpc, region))


@pytest.fixture
def name_server(world: World) -> NameServer:
    """Return the name servers of public zones."""
    return NameServer(world, Random(1))


def ask(responder: Responder, name: str, kind: str = "A", **more: object) -> dns.message.Message:
    """Send one question and return its answer."""
    stream = bool(more.pop("stream", False))
    query = dns.message.make_query(name, kind, **more)  # type: ignore[arg-type]  # options by name
    responder.refresh()
    reply = responder.answer(query.to_wire(), stream=stream)
    assert isinstance(reply, bytes)
    message = dns.message.from_wire(reply)
    assert query.is_response(message)
    return message


def values(message: dns.message.Message) -> set[str]:
    """Return the values in an answer."""
    return {str(item) for rrset in message.answer for item in rrset}


def test_the_question_is_returned_unchanged(resolver: Resolver) -> None:
    """The case of its letters is kept, while names match in any case (0x20)."""
    for name in ("one.corp.internal.", "oNe.CORP.internal."):
        message = ask(resolver, name)
        assert str(message.question[0].name) == name
        assert values(message) == {"192.0.2.1"}


def test_type_numbers_are_not_letters(resolver: Resolver) -> None:
    """Type 65 is not type 97, although the byte is an upper-case letter."""
    published_zones(resolver.world).change(
        "ZPRIVATE", [RecordSet("h.corp.internal.", "HTTPS", 60, ('1 . alpn="h2"',))], []
    )
    assert ask(resolver, "h.corp.internal", "HTTPS").answer
    assert not ask(resolver, "h.corp.internal", "TYPE97").answer
    assert ask(resolver, "h.corp.internal", "HTTPS").answer


def test_a_change_shows_in_the_next_answer(resolver: Resolver) -> None:
    """Cached answers are replaced when a zone changes."""
    zones = published_zones(resolver.world)
    assert values(ask(resolver, "one.corp.internal")) == {"192.0.2.1"}
    zones.change("ZPRIVATE", [RecordSet("one.corp.internal.", "A", 60, ("192.0.2.2",))], [])
    assert values(ask(resolver, "one.corp.internal")) == {"192.0.2.2"}
    zones.change("ZPRIVATE", [], [RecordKey("one.corp.internal.", "A")])
    assert ask(resolver, "one.corp.internal").rcode() == dns.rcode.NXDOMAIN
    zones.remove("ZPRIVATE")
    assert ask(resolver, "one.corp.internal").rcode() == dns.rcode.REFUSED


def test_custom_health_shows_in_the_next_answer(resolver: Resolver) -> None:
    """An unhealthy record is left out while others are healthy."""
    assert len(values(ask(resolver, "three.corp.internal"))) == 3
    published_zones(resolver.world).set_health("ZPRIVATE", RecordKey("three.corp.internal.", "A", "0"), False)
    assert values(ask(resolver, "three.corp.internal")) == {"10.0.0.2", "10.0.0.3"}


def test_a_resolver_answers_private_and_public_zones(resolver: Resolver, name_server: NameServer) -> None:
    """A resolver sets RA and not AA; name servers set AA, and refuse private zones."""
    for name in ("one.corp.internal", "one.example.com"):
        message = ask(resolver, name)
        assert values(message) == {"192.0.2.1"}
        assert message.flags == dns.flags.QR | dns.flags.RD | dns.flags.RA
    assert ask(name_server, "one.example.com").flags == dns.flags.QR | dns.flags.RD | dns.flags.AA
    assert ask(name_server, "one.corp.internal").rcode() == dns.rcode.REFUSED
    assert ask(resolver, "one.example.org").rcode() == dns.rcode.REFUSED
    assert ask(resolver, "web-1.us-east-1.elb.amazonaws.com").answer
    assert ask(name_server, "web-1.us-east-1.elb.amazonaws.com").rcode() == dns.rcode.REFUSED


def test_a_vpc_without_dns_settings_has_no_private_zones(resolver: Resolver) -> None:
    """enableDnsHostnames enables private zones, enableDnsSupport the resolver; both can be switched at any time."""
    world = resolver.world
    vpc = next(iter(vpcs_of(world, ACCOUNT, world.settings.region).values()))
    expected = {
        (True, True): ("NOERROR", "NOERROR"),
        (True, False): ("REFUSED", "NOERROR"),
        (False, True): ("REFUSED", "REFUSED"),
        (False, False): ("REFUSED", "REFUSED"),
    }
    for vpc.dns_support, vpc.dns_hostnames in [*expected, (True, True)]:
        codes = [dns.rcode.to_text(ask(resolver, name).rcode()) for name in ("one.corp.internal", "one.example.com")]
        assert tuple(codes) == expected[vpc.dns_support, vpc.dns_hostnames]


def test_negative_answers_carry_the_soa(name_server: NameServer) -> None:
    """The SOA's TTL is 900, the smaller of its TTL and its minimum."""
    for name, code in (("none.example.com", dns.rcode.NXDOMAIN), ("example.com", dns.rcode.NOERROR)):
        message = ask(name_server, name)
        assert (message.rcode(), message.answer) == (code, [])
        assert message.authority[0].rdtype == dns.rdatatype.SOA
        assert (message.authority[0].ttl, message.authority[0][0].minimum) == (900, 86_400)


def test_the_senders_limit_is_respected(name_server: NameServer) -> None:
    """The limit is 512 without EDNS, with EDNS as announced but at most 4096; over TCP there is none."""
    for more in ({}, {"payload": 1232, "use_edns": 0}):
        short = ask(name_server, "long.example.com", "TXT", **more)
        assert short.flags & dns.flags.TC
        assert not short.answer
        assert short.edns == (0 if more else -1)
    assert len(values(ask(name_server, "long.example.com", "TXT", stream=True))) == 10
    assert len(values(ask(name_server, "long.example.com", "TXT", use_edns=0, payload=4096))) == 10
    assert len(values(ask(name_server, "eight.example.com", use_edns=0, payload=100))) == 8


def test_other_edns_versions_are_refused(name_server: NameServer) -> None:
    """The reply is BADVERS, in the extended rcode of the OPT record."""
    message = ask(name_server, "one.example.com", use_edns=1)
    assert (message.rcode(), message.edns, message.answer) == (dns.rcode.BADVERS, 0, [])


@pytest.mark.parametrize(
    ("name", "kind", "more", "code"),
    [
        ("one.example.com", "A", {"rdclass": "CH"}, dns.rcode.REFUSED),
        ("one.example.com", "A", {"rdclass": "ANY"}, dns.rcode.REFUSED),
        ("example.com", "AXFR", {}, dns.rcode.REFUSED),
        ("example.com", "IXFR", {}, dns.rcode.REFUSED),
        ("one.example.com", "TYPE65280", {}, dns.rcode.NOERROR),
        (".", "NS", {}, dns.rcode.REFUSED),
    ],
)
def test_unanswered_questions(
    name_server: NameServer, name: str, kind: str, more: dict[str, str], code: dns.rcode.Rcode
) -> None:
    """Other classes, zone transfers, types that cannot be asked for, and the root have no answer records."""
    message = ask(name_server, name, kind, **more)
    assert (message.rcode(), message.answer) == (code, [])


def test_other_opcodes_are_not_implemented(name_server: NameServer) -> None:
    """The reply is NOTIMP, with the opcode of the query."""
    query = dns.message.make_query("example.com", "SOA")
    query.set_opcode(dns.opcode.NOTIFY)
    reply = name_server.answer(query.to_wire())
    assert isinstance(reply, bytes)
    message = dns.message.from_wire(reply)
    assert (message.rcode(), message.opcode(), message.id) == (dns.rcode.NOTIMP, dns.opcode.NOTIFY, query.id)


def test_any_is_answered_with_one_record(name_server: NameServer) -> None:
    """The record is HINFO "RFC8482"."""
    (rrset,) = ask(name_server, "one.example.com", "ANY").answer
    assert (rrset.rdtype, rrset[0].cpu) == (dns.rdatatype.HINFO, b"RFC8482")


def test_caches_are_bounded(name_server: NameServer) -> None:
    """The caches have a limit for any number of different questions."""
    query = dns.message.make_query("n0000.example.com", "A").to_wire()
    for n in range(_MAX_CACHED + 10):
        name_server.refresh()
        name_server.answer(query.replace(b"n0000", b"n%04d" % n))
    assert len(name_server.renderers) == len(name_server._answers) == 10


def test_the_fast_path_answers_alike(resolver: Resolver) -> None:
    """A cached renderer answers the same question again."""
    query = dns.message.make_query("eight.corp.internal", "A").to_wire()
    resolver.refresh()
    resolver.answer(query)
    fast = dns.message.from_wire(query[:2] + resolver.renderers[query[2:]]())
    assert len(values(fast)) == 8


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=120))
def test_any_bytes_get_a_readable_reply_or_none(name_server: NameServer, data: bytes) -> None:
    """Random bytes, with or without a query's header, get a reply that dnspython can read, or none."""
    name_server.refresh()
    for packet in (data, data[:2] + bytes.fromhex("0100 0001 0000 0000 0000") + data[2:]):
        for stream in (False, True):
            reply = name_server.answer(packet, stream=stream)
            if reply is not None:
                assert isinstance(reply, bytes)
                assert dns.message.from_wire(reply, ignore_trailing=False).flags & dns.flags.QR


def test_the_do_bit_of_a_query_is_that_of_its_answer(name_server: NameServer) -> None:
    """RFC 3225, 3: it must be copied; a message without EDNS has none."""
    for flags in (0, dns.flags.DO):
        for name in ("one.example.com", "none.example.com", "long.example.com", "elsewhere.example.org"):
            assert ask(name_server, name, use_edns=0, ednsflags=flags).ednsflags & dns.flags.DO == flags
    assert ask(name_server, "one.example.com").edns == -1
