"""Whether questions to name servers arrive there, and answers come from them: a network may block or answer port 53."""

from __future__ import annotations

import dns.flags

from surveyor.dns import DnsAddress, query_server
from surveyor.errors import NoAnswer

__all__ = ["path_problem"]

_QUESTION = ("example.com", "SOA")
"""What no name server of Route 53 is authoritative for: it refuses, without offering recursion."""


def path_problem(server: DnsAddress) -> str:
    """Return why answers of an authoritative name server cannot be had from this network, "" if they can."""
    try:
        answer = query_server(*_QUESTION, server)
    except NoAnswer:
        return (
            f"name servers do not answer this network ({server.address}:{server.port}): let UDP and TCP port 53 out, "
            "or run elsewhere"
        )
    if answer.flags & dns.flags.RA:
        return (
            f"this network answers in place of name servers ({server.address}:{server.port} offers recursion, which "
            "those of Route 53 never do): run on a network that does not intercept port 53"
        )
    return ""
