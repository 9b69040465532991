"""The proxies in which faults change answers of the API and of DNS."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import dns.message
import dns.query
import dns.rcode
import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from surveyor.callers import CALLER_HEADER, RegistryClient
from surveyor.chaos.fault_proxy import FaultProxy
from surveyor.proxies import DnsProxy, HttpProxy, ProxyResponse, Upstream

KEYS = Credentials("444455556666", "surveyor")


def started(upstream: HttpProxy) -> FaultProxy:
    """Return a started fault proxy before a registry."""
    return FaultProxy.start(Upstream(upstream.url), None, random.Random(7))


def test_the_proxy_throttles_and_goes_silent() -> None:
    """Registry faults change answers as the API would, until each fault ends."""
    real = HttpProxy(lambda method, path, headers, body: ProxyResponse.from_json(200, {"Instances": [path]}))
    real.start()
    proxy = started(real)
    assert proxy.registry is not None
    ask = Upstream(proxy.registry.url)
    headers = {"X-Amz-Target": "Route53AutoNaming_v20170314.DiscoverInstances", CALLER_HEADER: proxy.secret}
    assert ask("POST", "/", headers, b"{}").value == {"Instances": ["/"]}
    proxy.set("registry.throttle", 1.0)
    throttled = ask("POST", "/", headers, b"{}")
    assert (throttled.status, throttled.value) == (400, {"__type": "RequestLimitExceeded", "Message": "Rate exceeded."})
    proxy.set("registry.throttle", 0)
    proxy.set("registry.unavailable", 1.0)
    with pytest.raises((OSError, Exception), match=r"closed|end|reset|Remote"):
        ask("POST", "/", headers, b"{}")
    proxy.set("registry.unavailable", 0)
    proxy.set("registry.stale", 1.0)
    assert ask("POST", "/again", headers, b"{}").value == {"Instances": ["/"]}
    proxy.set("registry.stale", 0)
    assert ask("POST", "/again", headers, b"{}").value == {"Instances": ["/again"]}
    proxy.close()
    ask.close()
    real.close()


def test_the_proxy_answers_only_callers_that_have_its_secret() -> None:
    """Others on this machine can connect to it, and what it forwards may be signed with credentials of an account."""
    forwarded: list[dict[str, str]] = []

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> ProxyResponse:
        forwarded.append(headers)
        return ProxyResponse.from_json(200, {"Instances": []})

    real = HttpProxy(answer)
    real.start()
    proxy, other = started(real), started(real)
    assert proxy.registry is not None
    ask = Upstream(proxy.registry.url)
    for extra in ({}, {CALLER_HEADER: ""}, {CALLER_HEADER: "surveyor"}, {CALLER_HEADER: other.secret}):
        assert ask("POST", "/", extra, b"{}").status == 403
    with pytest.raises(ClientError, match="only the callers of its run"):
        RegistryClient(proxy.registry.url, "us-east-1", lambda: KEYS).discover_instances(ServiceName="web")
    assert forwarded == []
    assert RegistryClient(proxy.url, "us-east-1", lambda: KEYS).discover_instances(ServiceName="web") == {
        "Instances": []
    }
    assert [name for name in forwarded[0] if name.lower() == CALLER_HEADER.lower()] == []
    assert proxy.secret not in repr(proxy)
    for each in (proxy, other, ask, real):
        each.close()


def test_the_proxy_answers_names_wrongly_or_not_at_all() -> None:
    """DNS faults answer SERVFAIL, NXDOMAIN or another address, or nothing."""

    def real(question: bytes, forward: object) -> bytes:
        answer = dns.message.make_response(dns.message.from_wire(question))
        answer.answer.append(dns.rrset.from_text("web.ns.", 20, "IN", "A", "127.0.0.9"))
        return answer.to_wire()

    upstream = DnsProxy(("127.0.0.1", 9), real)
    proxy = FaultProxy.start(Upstream("http://127.0.0.1:9"), upstream.address, random.Random(7))
    assert proxy.names is not None
    address, port = proxy.names.address

    def ask() -> dns.message.Message:
        return dns.query.udp(dns.message.make_query("web.ns.", "A"), address, 1.0, port)

    assert ask().answer[0][0].to_text() == "127.0.0.9"
    for fault, rcode in (("dns.servfail", dns.rcode.SERVFAIL), ("dns.nxdomain", dns.rcode.NXDOMAIN)):
        proxy.set(fault, 1.0)
        assert ask().rcode() == rcode
        proxy.set(fault, 0)
    proxy.set("dns.lie", 1.0)
    assert ask().answer[0][0].to_text() == proxy.wrong_address
    proxy.set("dns.lie", 0)
    proxy.set("dns.timeout", 1.0)
    with pytest.raises(dns.exception.Timeout):
        ask()
    proxy.close()
    upstream.close()


Discovery = tuple[FaultProxy, Callable[..., ProxyResponse], list[tuple[str, str]]]


@pytest.fixture
def discovery() -> Iterator[Discovery]:
    """Yield a proxy before a registry of four instances, a function that asks it, and what it reports."""
    instances = [{"InstanceId": f"i-{number}"} for number in range(4)]
    real = HttpProxy(lambda method, path, headers, body: ProxyResponse.from_json(200, {"Instances": instances}))
    real.start()
    proxy = started(real)
    assert proxy.registry is not None
    upstream, reported = Upstream(proxy.registry.url), list[tuple[str, str]]()
    proxy.on_injection = lambda fault, call: reported.append((fault, call))

    def ask(operation: str = "DiscoverInstances", body: bytes = b"{}") -> ProxyResponse:
        headers = {"X-Amz-Target": f"Route53AutoNaming_v20170314.{operation}", CALLER_HEADER: proxy.secret}
        return upstream("POST", "/", headers, body)

    yield proxy, ask, reported
    for each in (proxy, upstream, real):
        each.close()


def test_a_request_fails_once_and_its_retry_passes(discovery: Discovery) -> None:
    """Each kind of request fails once; what failed, and only that, is reported."""
    proxy, ask, reported = discovery
    proxy.set("registry.fail-once", 1.0)
    assert [ask().error for _ in range(4)] == ["ServiceUnavailable", "", "ServiceUnavailable", ""]
    assert [ask("DiscoverInstancesRevision").status, ask(body=b'{"a": 1}').status] == [503, 503]
    assert reported.count(("registry.fail-once", "servicediscovery:DiscoverInstances")) == 3


def test_answers_are_incomplete_or_empty(discovery: Discovery) -> None:
    """A part of the instances is left, or none, with status 200; nothing is reported once the fault has ended."""
    proxy, ask, reported = discovery
    proxy.set("registry.partial", 1.0, amount=0.5)
    assert ask().value == {"Instances": [{"InstanceId": "i-0"}, {"InstanceId": "i-1"}]}
    proxy.set("registry.partial", 0)
    proxy.set("registry.empty", 1.0)
    empty = ask()
    assert (empty.status, empty.value) == (200, {"Instances": []})
    proxy.set("registry.empty", 0)
    assert len((ask().value or {})["Instances"]) == 4
    assert [fault for fault, _ in reported] == ["registry.partial", "registry.empty"]


def test_faults_hit_the_operations_that_are_named(discovery: Discovery) -> None:
    """Another operation is answered; expired credentials are rejected with the documented error."""
    proxy, ask, reported = discovery
    proxy.set("registry.expired-token", 1.0, ("DiscoverInstancesRevision",))
    assert (ask().status, ask("DiscoverInstancesRevision").error) == (200, "ExpiredTokenException")
    assert reported == [("registry.expired-token", "servicediscovery:DiscoverInstancesRevision")]


def test_questions_beyond_the_packet_limit_are_dropped() -> None:
    """Of questions at once as many are answered as the rate says."""
    proxy = FaultProxy(random.Random(7))
    proxy.set("dns.packet-limit", 1.0, amount=3)
    assert [proxy.hits("dns.packet-limit", "dns:question") for _ in range(5)] == [False, False, False, True, True]
