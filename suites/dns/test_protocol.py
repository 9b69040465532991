"""What name servers make of messages that are no ordinary query, and of several queries on one connection."""

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import pytest

from surveyor.testing import dns_config, exchange_messages, for_each, proves, record_values, timeouts

ONE = {"i-1": {"AWS_INSTANCE_IPV4": "192.0.2.1"}}
# A root name, type A, class IN; and an OPT record of a client that accepts 1,232 bytes (RFC 6891, 6.1.2).
ROOT_QUESTION = bytes.fromhex("00 0001 0001")
OPT = bytes.fromhex("00 0029 04d0 00000000 0000")
# Names of 254 and 255 bytes: labels of 63 bytes, and what is left for the last one (RFC 1035, 3.1).
LABEL = b"\x3f" + b"a" * 63


def packet(body, *, questions=1, additional=0, flags=0, query_id=7):
    """Return a message: a header with these counts, and what follows it."""
    counts = (query_id, flags, questions, 0, 0, additional)
    return b"".join(number.to_bytes(2, "big") for number in counts) + body


@pytest.fixture
def send(find_dns_server, public_namespace):
    """Send messages over UDP to a name server, then the last one again, and return the first response to each time."""
    server = find_dns_server(public_namespace)

    def exchange(*messages):
        steps = [*messages, None, messages[-1], None]
        for tries_left in reversed(range(timeouts.DNS_TRIES)):
            try:
                [responses] = exchange_messages(server, steps, name=public_namespace["Name"])
                return [dns.message.from_wire(response) for response in responses]
            except TimeoutError:
                if not tries_left:
                    raise
        raise AssertionError("unreachable: the last try returns or raises")

    return exchange


MALFORMED = {
    "no question": packet(b"", questions=0),
    "a question too many": packet(ROOT_QUESTION, questions=0),
    "two questions": packet(ROOT_QUESTION * 2, questions=2),
    "a question too few": packet(ROOT_QUESTION, questions=2),
    "half a question": packet(ROOT_QUESTION[:-1]),
    "name without end": packet(LABEL),
    "label of 64 bytes": packet(b"\x40" + b"a" * 64 + ROOT_QUESTION),
    "name of 256 bytes": packet(LABEL * 3 + b"\x3e" + b"a" * 62 + ROOT_QUESTION),
    "absent record": packet(ROOT_QUESTION, additional=1),
    "half a record": packet(ROOT_QUESTION + OPT[:-1], additional=1),
    "record without its data": packet(ROOT_QUESTION + OPT[:-1] + b"\1", additional=1),
    "record with a label of 64 bytes": packet(
        ROOT_QUESTION + b"\x40" + b"a" * 64 + b"\0" + bytes.fromhex("ff00 0001 00000000 0000"), additional=1
    ),
    "two OPT records": packet(ROOT_QUESTION + OPT * 2, additional=2),
    "OPT record with a name": packet(ROOT_QUESTION + b"\1a" + OPT, additional=1),
}


@proves("dns.malformed-queries-are-format-errors")
@for_each("message", MALFORMED)
def test_malformed_query_is_a_format_error(send, message):
    """A message that cannot be interpreted is answered with FORMERR under its id, and without records."""
    # RFC 9619, 4: "MUST be treated as an incorrectly formatted message"; RFC 6891, 6.1.1: "If a query message with more
    # than one OPT RR is received, a FORMERR (RCODE=1) MUST be returned."
    answer, _ = send(message)
    assert (answer.id, answer.rcode(), answer.answer) == (7, dns.rcode.FORMERR, [])


@proves("dns.malformed-queries-are-format-errors")
def test_longest_name_is_well_formed(send):
    """A query with a name of 255 bytes, the maximum, is no format error, and neither is one with further records."""
    longest = LABEL * 3 + b"\x3d" + b"a" * 61 + ROOT_QUESTION
    # Unknown type 65280: one with another name, one whose name is a pointer to the question.
    record = bytes.fromhex("ff00 0001 00000000 0002 abcd")
    for body, additional in ((longest, 0), (longest + b"\1a\0" + record + b"\xc0\x0c" + record + OPT, 3)):
        answer, _ = send(packet(body, additional=additional))
        assert (answer.id, answer.edns) == (7, 0 if additional else -1)
        assert answer.rcode() != dns.rcode.FORMERR
        assert len(answer.question[0].name.to_wire()) == 255


@proves("dns.only-queries-are-answered")
@for_each("opcode", [dns.opcode.IQUERY, 15])
def test_unknown_opcode_is_not_implemented(query_dns, public_namespace, opcode):
    """A message with another opcode than QUERY is answered with NOTIMP and that opcode."""
    # RFC 3425, 3: IQUERY is not implemented. RFC 1035, 4.1.1: the opcode is "copied into the response".
    answer = query_dns(public_namespace["Name"], "SOA", public_namespace, flags=dns.opcode.to_flags(opcode))
    assert (answer.rcode(), answer.opcode(), answer.answer) == (dns.rcode.NOTIMP, opcode, [])


@proves("dns.only-queries-are-answered")
def test_response_is_not_answered(send, public_namespace):
    """What has the flag QR, or no whole header, is not answered: of three messages only the query is."""
    # RFC 1035, 4.1.1: "A one bit field that specifies whether this message is a query (0), or a response (1)."
    query = dns.message.make_query(public_namespace["Name"], "SOA", id=8).to_wire()
    answers = send(query[:11], packet(ROOT_QUESTION, flags=dns.flags.QR), query)
    assert [answer.id for answer in answers] == [8, 8]


@proves("dns.only-class-in-is-answered")
def test_other_class_has_no_answer(publish, query_dns, public_namespace):
    """A query for a name of the zone in class CH has no answer; one for class IN has."""
    # RFC 1034, 3.7.1: the class of the records must match that of the query.
    name = publish(public_namespace, dns_config("A"), ONE)
    assert query_dns(name, "A", public_namespace).answer
    answer = query_dns(name, "A", public_namespace, rdclass=dns.rdataclass.CH)
    assert answer.answer == answer.additional == []


@proves("dns.any-is-not-empty")
def test_any_is_answered_with_something_at_the_name(publish, query_dns, public_namespace):
    """A query of type ANY for an existing name has at least one record, all of them at this name."""
    # RFC 8482, 4: all records, a subset of them, or a HINFO record.
    name = publish(public_namespace, dns_config("A"), ONE)
    answer = query_dns(name, "ANY", public_namespace)
    assert answer.rcode() == dns.rcode.NOERROR
    assert {rrset.name.to_text() for rrset in answer.answer} == {f"{name}."}


@proves("dns.tcp.several-queries-on-one-connection")
@for_each("kind", ["private", "public"])
def test_one_connection_has_several_queries(publish, find_dns_server, namespace_of_kind, kind):
    """Two queries that arrive together, and one that arrives byte by byte, are answered on one TCP connection."""
    # RFC 7766, 6.2.1.1: clients send the next query before the answer to the last; answers may be in another order.
    namespace = namespace_of_kind(kind)
    name = publish(namespace, dns_config("A"), ONE)
    queries = [dns.message.make_query(name, "A", id=number) for number in (1, 2, 3)]
    framed = [len(query.to_wire()).to_bytes(2, "big") + query.to_wire() for query in queries]
    server = find_dns_server(namespace)
    steps = [framed[0] + framed[1], None, None, *(bytes([byte]) for byte in framed[2]), None]
    [received] = exchange_messages(server, steps, name=name, tcp=True)
    answers = [dns.message.from_wire(message) for message in received]
    assert all(record_values(answer, name, "A") == ["192.0.2.1"] for answer in answers)
    assert sorted(answer.id for answer in answers[:2]) == [1, 2]
    assert answers[2].id == 3
