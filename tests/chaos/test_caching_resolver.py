"""The caching resolvers between callers and the resolver of a VPC: real programs, where they are installed."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import dns.message
import dns.rrset
import pytest

from surveyor.callers import resolve_name
from surveyor.chaos.caching_resolver import CacheProgram, run_cache
from surveyor.dns import DnsAddress
from surveyor.errors import FeatureLacking, NoAnswer
from surveyor.proxies import DnsProxy

NAME = "web.shop.internal"
_PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"


class Upstream:
    """A resolver that answers with one address, and can fall silent."""

    def __init__(self) -> None:
        self.is_silent = False
        self.asked = 0
        self.proxy = DnsProxy(("127.0.0.1", 9), self._answer)

    def _answer(self, question: bytes, forward: Callable[[bytes], bytes]) -> bytes:
        asked = dns.message.from_wire(question)
        self.asked += 1
        if self.is_silent:
            return b""
        answer = dns.message.make_response(asked)
        if asked.question[0].name.to_text() == f"{NAME}.":
            answer.answer.append(dns.rrset.from_text(f"{NAME}.", 60, "IN", "A", "127.0.0.9"))
        return answer.to_wire()


@pytest.mark.soak
@pytest.mark.parametrize("program", ["dnsmasq", "unbound"])
def test_an_answer_is_kept(program: CacheProgram) -> None:
    """The second question is answered from the cache, with a TTL that is no longer than the limit."""
    if shutil.which(program, path=_PATH) is None:
        pytest.skip(f"{program} is not installed")
    upstream = Upstream()
    with run_cache(program, upstream.proxy.address, 30) as address:
        found = [resolve_name(DnsAddress(*address), NAME, 5) for _ in range(2)]
        asked = upstream.asked
    upstream.proxy.close()
    assert [list(each.members) for each in found] == [["127.0.0.9"], ["127.0.0.9"]]
    assert all(0 < each.ttl <= 30 for each in found)
    assert asked == 1
    with pytest.raises((NoAnswer, OSError)):  # it has ended with its block
        resolve_name(DnsAddress(*address), NAME, 0.5)


@pytest.mark.soak
@pytest.mark.skipif(shutil.which("unbound", path=_PATH) is None, reason="unbound is not installed")
def test_unbound_serves_what_has_expired() -> None:
    """While its resolver is silent, an answer is served after its time, with the TTL that RFC 8767 recommends."""
    upstream = Upstream()
    with run_cache("unbound", upstream.proxy.address, 1, scale=10) as address:
        server = DnsAddress(*address)
        assert list(resolve_name(server, NAME, 5).members) == ["127.0.0.9"]
        upstream.is_silent = True
        before = upstream.asked
        found = resolve_name(server, NAME, 5)
        while upstream.asked == before:  # the answer is asked for again once it has expired
            found = resolve_name(server, NAME, 5)
            assert list(found.members) == ["127.0.0.9"]
        assert found.ttl == 30
    upstream.proxy.close()


def test_a_program_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the program the experiment is not possible, and the message says how to install it."""
    monkeypatch.setattr("surveyor.chaos.caching_resolver.shutil.which", lambda *_, **__: None)
    with (
        pytest.raises(FeatureLacking, match="needs unbound, which is not installed here"),
        run_cache("unbound", ("127.0.0.1", 53), 5),
    ):
        pass
