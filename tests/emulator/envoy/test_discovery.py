"""Endpoint discovery: what an Envoy gets as an answer, and when."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from surveyor_emulator.runtime.envoy import discovery as discovery_module
from surveyor_emulator.runtime.envoy.discovery import SOCKET, Discovery, Member

MEMBERS = some.lists(some.tuples(some.ip_addresses(v=4).map(str), some.integers(1, 65_535)), max_size=1_000)


async def ask(folder: Path, body: object) -> tuple[int, Any]:
    """Send one request as Envoy does; return status and answer."""
    reader, writer = await asyncio.open_unix_connection(str(folder / SOCKET))
    text = json.dumps(body).encode() if not isinstance(body, bytes) else body
    writer.write(b"POST /v3/discovery:endpoints HTTP/1.1\r\nHost: x\r\nConnection: close\r\n")
    writer.write(b"Content-Length: %d\r\n\r\n" % len(text) + text)
    head, _, answer = (await reader.read(-1)).partition(b"\r\n\r\n")
    writer.close()
    status = int(head.split()[1])
    return status, json.loads(answer) if status == 200 else answer


def members(answer: Any) -> list[tuple[str, int]]:
    """Return the members in an answer."""
    [resource] = answer["resources"]
    hosts = [host for locality in resource["endpoints"] for host in locality["lb_endpoints"]]
    sockets = [host["endpoint"]["address"]["socket_address"] for host in hosts]
    return [(socket["address"], socket["port_value"]) for socket in sockets]


@settings(max_examples=30, deadline=None)
@given(MEMBERS)
def test_answers_have_the_members(tmp_path_factory: pytest.TempPathFactory, expected: list[tuple[str, int]]) -> None:
    """None to a thousand members arrive under the name in the request."""

    async def run() -> None:
        folder = tmp_path_factory.mktemp("discovery")
        discovery = Discovery()
        await discovery.listen(folder)
        discovery.put("srv-1", [Member(*member) for member in expected])
        status, answer = await ask(folder, {"resource_names": ["srv-1"]})
        assert (status, answer["resources"][0]["cluster_name"], members(answer)) == (200, "srv-1", expected)
        discovery.close()

    asyncio.run(run())


def test_a_request_is_held_until_members_change(tmp_path: Path) -> None:
    """A request with the latest version gets no answer until there is a newer one."""

    async def run() -> None:
        discovery = Discovery()
        await discovery.listen(tmp_path)
        discovery.put("srv-1", [Member("127.16.0.2", 80)])
        _, first = await ask(tmp_path, {"resource_names": ["srv-1"]})
        asking = asyncio.create_task(
            ask(tmp_path, {"resource_names": ["srv-1"], "version_info": first["version_info"]})
        )
        done, _ = await asyncio.wait({asking}, timeout=0.2)
        assert not done
        discovery.put("srv-1", [Member("127.16.0.3", 80)])
        _, second = await asyncio.wait_for(asking, 5)
        assert members(second) == [("127.16.0.3", 80)]
        discovery.close()

    asyncio.run(run())


def test_a_change_keeps_the_clock_until_all_have_it(tmp_path: Path) -> None:
    """All that held the state before have asked again with the new version; one that has ended is not waited for."""

    async def run() -> None:
        kept: list[asyncio.Task[object]] = []
        discovery = Discovery(lambda work: kept.append(asyncio.create_task(work)))
        await discovery.listen(tmp_path)

        def hold(envoy: str, version: str) -> asyncio.Task[tuple[int, Any]]:
            body = {"node": {"id": envoy}, "resource_names": ["srv-1"], "version_info": version}
            return asyncio.create_task(ask(tmp_path, body))

        discovery.put("srv-1", [Member("127.16.0.2", 80)])
        assert kept == []
        held = [hold("a", "1"), hold("b", "1"), hold("c", "1")]
        await asyncio.wait(held, timeout=0.2)
        discovery.put("srv-1", [Member("127.16.0.3", 80)])
        await asyncio.gather(*held)
        held = [hold("a", "2")]
        await asyncio.wait(held, timeout=0.1)
        discovery.leave("b")
        assert not kept[0].done()
        held.append(hold("c", "2"))
        await asyncio.wait_for(kept[0], 0.5)
        discovery.put("srv-1", [])
        await asyncio.gather(*held)
        discovery.close()

    asyncio.run(run())


def test_an_envoy_that_does_not_ask_again_keeps_the_clock_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be paused, or have been killed."""
    monkeypatch.setattr(discovery_module, "READ_TIMEOUT", 0.05)

    async def run() -> None:
        kept: list[asyncio.Task[object]] = []
        served = Discovery(lambda work: kept.append(asyncio.create_task(work)))
        await served.listen(tmp_path)
        body = {"node": {"id": "a"}, "resource_names": ["srv-1"], "version_info": "0"}
        held = asyncio.create_task(ask(tmp_path, body))
        await asyncio.wait({held}, timeout=0.1)
        served.put("srv-1", [Member("127.16.0.2", 80)])
        await kept[0]
        served.put("srv-1", [])
        assert len(kept) == 1
        await held
        served.close()

    asyncio.run(run())


@pytest.mark.parametrize("body", [b"", b"[]", b"{", {"resource_names": []}, {"resource_names": ["a", "b"]}, b"null"])
def test_other_requests_are_refused(tmp_path: Path, body: object) -> None:
    """The answer is 400 and one line that says what was expected."""

    async def run() -> None:
        discovery = Discovery()
        await discovery.listen(tmp_path)
        status, answer = await ask(tmp_path, body)
        assert (status, b"DiscoveryRequest" in answer) == (400, True)
        discovery.close()

    asyncio.run(run())
