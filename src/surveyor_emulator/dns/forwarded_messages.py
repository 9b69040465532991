"""Messages to the servers that the rules of a VPC name, by dnspython, which is imported with the first question."""

from __future__ import annotations

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from surveyor_emulator.aws.route53 import names
from surveyor_emulator.aws.route53.answers import DnsAnswer, DnsRecord
from surveyor_emulator.aws.route53.rdata import encode

from . import wire

__all__ = ["Found", "ask_server", "redirections", "reply_to"]

Found = dns.message.Message
_UNUSABLE = (dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NOTIMP, dns.rcode.FORMERR)


async def ask_server(name: str, qtype: int, server: tuple[str, int], source: str | None, wait: float) -> Found | None:
    """Return the answer of a server over UDP, or over TCP where that is truncated; None if it has none.

    ``wait``: wall seconds for it.
    """
    question = dns.message.make_query(_to_dns(name), dns.rdatatype.RdataType.make(qtype), use_edns=0)
    host, port = server
    try:
        answer, _ = await dns.asyncquery.udp_with_fallback(question, host, timeout=wait, port=port, source=source)
    except (dns.exception.DNSException, OSError, EOFError):
        return None  # silence, or a message that is no answer
    return None if answer.rcode() in _UNUSABLE else answer


def reply_to(query: wire.Query, query_id: int, local: DnsAnswer, found: Found | None, limit: int) -> bytes:
    """Return the message for the client: the records that lead to the forwarded name, then what was answered."""
    labels = [*query.labels, b""]
    question = dns.message.make_query(dns.name.Name(labels), dns.rdatatype.RdataType.make(query.qtype))
    question.id = query_id
    question.flags = dns.flags.Flag(query.flags & int(dns.flags.RD | dns.flags.CD))
    if query.edns:
        question.use_edns(0, dns.flags.DO if query.dnssec else 0, payload=limit)
    reply = dns.message.make_response(question, recursion_available=True)
    if found is None:
        reply.set_rcode(dns.rcode.SERVFAIL)
        return reply.to_wire()
    reply.set_rcode(found.rcode())
    reply.answer = [*(_rrset(record) for record in local.fixed), *found.answer]
    reply.authority = list(found.authority)
    reply.additional = list(found.additional)
    try:
        return reply.to_wire(max_size=limit)
    except dns.exception.TooBig:
        reply.answer, reply.authority, reply.additional = [], [], []
        reply.flags |= dns.flags.TC
        return reply.to_wire()


def redirections(local: DnsAnswer, found: Found) -> tuple[str, ...]:
    """Return the names that CNAME records lead to, as zones spell them: those of others may have any octets."""
    own = [names.canonical(record.value) for record in local.fixed if record.type == "CNAME"]
    followed = [
        names.from_labels(label.lower() for label in record.target.labels[:-1])
        for rrset in found.answer
        if rrset.rdtype == dns.rdatatype.CNAME
        for record in rrset
    ]
    return (*own, *followed)


def _rrset(record: DnsRecord) -> dns.rrset.RRset:
    """Return a record of a zone; its value has Route 53's escapes, and names in it may lack the dot at their end."""
    data, kind = encode(record.type, record.value), dns.rdatatype.from_text(record.type)
    rdata = dns.rdata.from_wire(dns.rdataclass.IN, kind, data, 0, len(data))
    return dns.rrset.from_rdata(_to_dns(record.owner), record.ttl, rdata)


def _to_dns(name: str) -> dns.name.Name:
    """Return a canonical name of Route 53, whose escapes are octal, as dnspython's."""
    return dns.name.from_wire(names.to_wire(name), 0)[0]
