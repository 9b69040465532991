"""Call once for each line of standard input, by one of Python's HTTP clients, and write the outcome as JSON.

    python python_lines.py CLIENT URL

A line of standard input is a number. A line of output has that number, `ok`, the `address` of the task that answered
and an `error`. The first line of output is {"ready": true}. Each client is used as its documentation recommends: one
session for all calls.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

WITHIN = 2.0


def main() -> None:
    """Run the client that the first argument names."""
    kind, url = sys.argv[1:3]
    if kind in _ASYNC:
        asyncio.run(_run_async(_ASYNC[kind], url))
    else:
        _run(_BLOCKING[kind](url))


def _write(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _run(call: Callable[[], str]) -> None:
    _write({"ready": True})
    for line in sys.stdin:
        try:
            _write({"number": int(line), "ok": True, "address": call(), "error": ""})
        except Exception as error:  # noqa: BLE001  # each library has its own
            _write({"number": int(line), "ok": False, "address": "", "error": _text(error)})


async def _run_async(start: Callable[[str], Awaitable[Callable[[], Awaitable[str]]]], url: str) -> None:
    call = await start(url)
    _write({"ready": True})
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            async with asyncio.timeout(WITHIN):
                address = await call()
            _write({"number": int(line), "ok": True, "address": address, "error": ""})
        except Exception as error:  # noqa: BLE001  # each library has its own
            _write({"number": int(line), "ok": False, "address": "", "error": _text(error)})


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:200]


def _address(body: bytes | str) -> str:
    return str(json.loads(body)["address"])


def _requests(url: str) -> Callable[[], str]:
    import requests

    session = requests.Session()
    return lambda: _address(session.get(url, timeout=WITHIN).content)


def _httpx(url: str) -> Callable[[], str]:
    import httpx

    client = httpx.Client(timeout=WITHIN)
    return lambda: _address(client.get(url).content)


def _httpx_http2(url: str) -> Callable[[], str]:
    import httpx

    client = httpx.Client(timeout=WITHIN, http1=False, http2=True)
    return lambda: _address(client.get(url).content)


def _pycurl(*, ipv4_only: bool) -> Callable[[str], Callable[[], str]]:
    def start(url: str) -> Callable[[], str]:
        import io

        import pycurl

        handle = pycurl.Curl()
        if ipv4_only:
            handle.setopt(pycurl.IPRESOLVE, pycurl.IPRESOLVE_V4)

        def call() -> str:
            body = io.BytesIO()
            handle.setopt(pycurl.URL, url)
            handle.setopt(pycurl.TIMEOUT_MS, int(WITHIN * 1000))
            handle.setopt(pycurl.WRITEDATA, body)
            handle.perform()
            return _address(body.getvalue())

        return call

    return start


def _curl(url: str) -> Callable[[], str]:
    import subprocess

    command = ["curl", "-sS", "--max-time", str(WITHIN), url]

    def call() -> str:
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            raise OSError(done.stderr.decode("utf-8", "replace").strip())
        return _address(done.stdout)

    return call


def _grpc(policy: str, options: tuple[tuple[str, int], ...] = ()) -> Callable[[str], Callable[[], str]]:
    def start(url: str) -> Callable[[], str]:
        import grpc

        config = json.dumps({"loadBalancingConfig": [{policy: {}}]})
        channel = grpc.insecure_channel(urlsplit(url).netloc, [("grpc.service_config", config), *options])
        method = channel.unary_unary("/surveyor.Workload/Identity")

        def call() -> str:
            _, made = method.with_call(b"", timeout=WITHIN)
            return str(dict(made.initial_metadata())["surveyor-address"])

        return call

    return start


async def _aiohttp(url: str, *, cares: bool) -> Callable[[], Awaitable[str]]:
    import aiohttp

    resolver = aiohttp.AsyncResolver() if cares else aiohttp.ThreadedResolver()
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=resolver))

    async def call() -> str:
        async with session.get(url) as response:
            return _address(await response.read())

    return call


_BLOCKING: dict[str, Callable[[str], Callable[[], str]]] = {
    "requests": _requests,
    "httpx": _httpx,
    "httpx-http2": _httpx_http2,
    "pycurl": _pycurl(ipv4_only=False),
    "pycurl-ipv4": _pycurl(ipv4_only=True),
    "curl": _curl,
    "grpc-pick-first": _grpc("pick_first"),
    "grpc-round-robin": _grpc("round_robin"),
    "grpc-eager": _grpc("pick_first", (("grpc.dns_min_time_between_resolutions_ms", 1_000),)),
}
_ASYNC: dict[str, Callable[[str], Awaitable[Callable[[], Awaitable[str]]]]] = {
    "aiohttp": lambda url: _aiohttp(url, cares=False),
    "aiohttp-cares": lambda url: _aiohttp(url, cares=True),
}

if __name__ == "__main__":
    main()
