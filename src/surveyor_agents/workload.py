"""The program that tasks run: it reports its identity, fails on demand, drains when it is stopped, and resolves names.

One file that imports the standard library only, so that a task definition's command can carry it
(`python -c <this program> serve`) into any public Python image on Fargate; the embedded target recognises it there and
runs it in a fork of a process that has it imported already.

    serve [--port N] [--on-term die|drain|ignore] [--drain S] [--start-after S] [--token T]    answer until stopped
    check [--port N]                                                 exit 0 if /health answers 200, else 1

All of these but ANY / and GET /health need the header X-Surveyor-Token, if there is a token: others who reach the port
learn the identity, and can do nothing. Calls go to private addresses only, and never to link-local ones, where the
credentials of tasks and hosts are.

    ANY  /                identity: task, address, number of requests served, whether it is stopping
                          ?after=S answers S seconds later, ?status=N with that status, ?bytes=N with a longer body,
                          ?key=K counts executions under that key
    GET  /executions      how often each key was executed, and when / was requested (the last 1,000 times)
    PUT  /behave          what / does from now on: ?do=answer, ?do=refuse&status=N, ?do=reset (closes without an
                          answer), ?do=hang, ?do=slow&seconds=S; SIGTERM: ?do=ignore-sigterm, ?do=heed-sigterm; and
                          connections: ?do=close (closes each after its answer), ?do=keep-open
    GET  /health          200, or as set by PUT
    PUT  /health          ?do=pass, ?do=fail, ?do=hang, ?do=slow&seconds=S
    GET  /lifetime        events of this process, as seconds since it started
    GET  /metadata        the task metadata of version 4: container and task
    GET  /resolve         ?name=N&type=A: the answer of this task's resolver
    GET  /names           ?name=N: the addresses that any program of this task finds for a name
    GET  /call            ?url=U&method=GET&times=1&every=S&within=S&header=N:V: calls on schedule, each by a new
                          connection: when, how long, status or error, the task that answered; {n} in the URL becomes
                          the number of the call
    GET  /hold            ?url=U&within=S: one call, and how long after its answer, and after its request, its
                          connection is closed
    PUT  /fault           ?fault=F&do=start|stop|status&with=JSON&seconds=S: a request to the fault injection endpoint F
                          of this task's agent, with JSON as its body: its status, and its answer. With seconds, what
                          was started is stopped that much later: a black hole may leave no way to do it from outside
    PUT  /exit            ?code=N: exit at once, without an answer

HTTP/2 with prior knowledge, which is how gRPC clients connect, is answered where surveyor_agents.http2 is at hand: in
the embedded target, and not where this file travels alone.

Seconds are service seconds; SURVEYOR_SECOND is the number of wall seconds in one (1 by default).
SURVEYOR_CLOCK is where to read the time of a target whose clock is advanced; this program polls it while it drains.
SURVEYOR_ADDRESS is its address, SURVEYOR_LISTEN where it listens (default: that address, else every address),
SURVEYOR_DNS the resolver as address:port (default: the one of /etc/resolv.conf); with SURVEYOR_LOOKUP it is first.
SURVEYOR_HOSTS has names that /etc/hosts lacks: name=address, separated by spaces.
"""

import argparse
import asyncio
import contextlib
import hmac
import ipaddress
import json
import math
import os
import signal
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from urllib.request import urlopen

__all__ = ["TOKEN_HEADER", "command", "is_command", "main", "source", "token_of"]

TOKEN_HEADER = "X-Surveyor-Token"  # noqa: S105  # the name of a header

PORT = 8080
MAX_BODY = 1_000_000
MAX_DNS_MESSAGE = 65_535
MAX_NAME_PARTS = 256
# Wall seconds.
FETCH_TIMEOUT = 5.0
CLOCK_POLL_INTERVAL = 0.02
MAX_CALLS = 100_000
MAX_WAIT = 10_000  # service seconds
BEHAVIOURS = ("answer", "refuse", "reset", "hang", "slow", "ignore-sigterm", "heed-sigterm", "close", "keep-open")
CONTROLS = frozenset(
    {"/executions", "/behave", "/names", "/call", "/hold", "/health", "/lifetime", "/metadata", "/resolve", "/exit",
     "/fault"}
)  # fmt: skip
TYPES = {"A": 1, "AAAA": 28, "SRV": 33}
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\n"
Http2 = Callable[[asyncio.StreamReader, asyncio.StreamWriter, str, Callable[[], bool]], Awaitable[None]]
METADATA = "ECS_CONTAINER_METADATA_URI_V4"
AGENT = "ECS_AGENT_URI"


_OF_THE_CALLER = ("source", "is_command", "command", "token_of")
"""Functions that are of no use in a task."""


def source() -> str:
    """Return this program as a container's command carries it."""
    from surveyor_agents.carrying import source_of  # not needed in a task

    return source_of(__file__, _OF_THE_CALLER)


def is_command(command: Sequence[str]) -> bool:
    """Return whether a container's command runs this program."""
    return source() in command


def command(*arguments: str, token: str = "") -> list[str]:
    """Return the command of a container that runs this file on any Python image, with `arguments` as above."""
    return ["python", "-c", source(), *arguments, *(("--token", token) if token else ())]


def token_of(command: Sequence[str]) -> str:
    """Return the token in a command that runs this file, "" if it has none."""
    words = list(command)
    return words[words.index("--token") + 1] if "--token" in words[:-1] else ""


def main(arguments: Sequence[str], ready: Callable[[], object] = lambda: None, http2: Http2 | None = None) -> int:
    """Run until stopped; return the exit status.

    `ready` is called once it listens; `http2` answers connections of HTTP/2.
    """
    parser = argparse.ArgumentParser("workload")
    parser.add_argument("do", choices=("serve", "check"))
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--on-term", choices=("die", "drain", "ignore"), default="die")
    parser.add_argument("--drain", type=float, default=0.0)
    parser.add_argument("--start-after", type=float, default=0.0)
    parser.add_argument("--token", default="")
    options = parser.parse_args(arguments)
    if options.do == "check":
        return _check(options.port)
    workload = _Workload(options.port, options.on_term, options.drain, options.start_after, options.token)
    workload.http2 = http2
    return asyncio.run(workload.serve(ready))


def _check(port: int) -> int:
    try:
        with urlopen(f"http://{_listen_address() or '127.0.0.1'}:{port}/health") as answer:
            return 0 if answer.status == 200 else 1
    except OSError:
        return 1


def _listen_address() -> str:
    return os.environ.get("SURVEYOR_LISTEN") or os.environ.get("SURVEYOR_ADDRESS", "")


class _Refusal(Exception):
    """A request that cannot be served; the text says why."""


class _Workload:
    """One process: its counters, its behaviour, and its events."""

    def __init__(self, port: int, on_term: str, drain: float, start_after: float = 0.0, token: str = "") -> None:
        self.token = token
        self.port, self.on_term, self.drain, self.start_after = port, on_term, drain, start_after
        self.slow = 0.0
        self.first_on_term = on_term
        self.second = float(os.environ.get("SURVEYOR_SECOND", "1"))
        self.address = os.environ.get("SURVEYOR_ADDRESS", "")
        self.served, self.open = 0, 0
        self.health = ("pass", 0.0)
        self.behaviour = ("answer", 503)
        self.keeps_open = True
        self.http2: Http2 | None = None
        self.executions: dict[str, int] = {}
        self.arrivals: deque[float] = deque(maxlen=1_000)
        self.started = time.monotonic()
        self.events: list[tuple[str, float]] = []
        self.task: str | None = None
        self.stopping = False
        self.stop, self.idle = asyncio.Event(), asyncio.Event()
        self.idle.set()
        self.limited_faults: dict[str, asyncio.Task[None]] = {}

    async def serve(self, ready: Callable[[], object]) -> int:
        """Answer until SIGTERM or SIGINT, and while it drains after that."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.on_stop_signal)
        if self.start_after:
            await self.wait_service_time(self.start_after)
        server = await asyncio.start_server(self.connection, _listen_address() or None, self.port, backlog=512)
        self.note("listening")
        ready()
        await self.stop.wait()
        if self.on_term == "drain":
            await self.wait_service_time(self.drain)
        server.close()
        self.note("closed")
        if self.on_term == "drain":
            await self.idle.wait()
        return 0

    async def wait_service_time(self, seconds: float) -> None:
        """Wait for service seconds, by the target's clock if that is not wall time."""
        clock = os.environ.get("SURVEYOR_CLOCK")
        if not clock:
            await asyncio.sleep(seconds * self.second)
            return
        until = await _now(clock) + seconds
        while await _now(clock) < until:  # noqa: ASYNC110 (another process's clock sends no events)
            await asyncio.sleep(CLOCK_POLL_INTERVAL)

    def on_stop_signal(self) -> None:
        self.note("sigterm")
        self.stopping = True
        if self.on_term != "ignore":
            self.stop.set()

    def note(self, event: str) -> None:
        at = self.age()
        self.events.append((event, at))
        sys.stdout.write(json.dumps({"event": event, "at": at}) + "\n")
        sys.stdout.flush()

    def age(self) -> float:
        """Return the service seconds since this process started."""
        return round((time.monotonic() - self.started) / self.second, 3)

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Clients may disconnect at any moment.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                if head == HTTP2_PREFACE:
                    if self.http2:
                        await self.http2(reader, writer, self.address, lambda: self.stopping)
                    break
                self.open += 1
                self.idle.clear()
                try:
                    await self.request(head, reader, writer)
                finally:
                    self.open -= 1
                    if not self.open:
                        self.idle.set()
        writer.close()

    async def request(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = head.decode("latin-1").split("\r\n")
        method, _, rest = lines[0].partition(" ")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        length = headers.get("content-length", "0")
        keep = headers.get("connection", "").lower() != "close" and not self.stopping and "HTTP/1.1" in rest
        keep = keep and (self.keeps_open or self.needs_token(method, rest.partition(" ")[0].partition("?")[0]))
        try:
            if not length.isdecimal() or int(length) > MAX_BODY:
                raise _Refusal(f"expected a body of 0 to {MAX_BODY} bytes")
            await reader.readexactly(int(length))
            url = urlsplit(rest.partition(" ")[0])
            query = dict(parse_qsl(url.query))
            if url.path == "/":
                status, answer = await self.identity(query)
            elif self.needs_token(method, url.path) and not self.accepts(headers.get(TOKEN_HEADER.lower(), "")):
                status, answer = 403, {"error": f"expected the token of this task in the header {TOKEN_HEADER}"}
            else:
                status, answer = await self.answer(method, url.path, query)
            if not status:
                writer.transport.abort()
                return
        except (_Refusal, ValueError) as refusal:
            status, answer, keep = 400, {"error": str(refusal)}, False
        body = json.dumps(answer).encode() + b"\n"
        head_lines = f"HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(head_lines.encode() + f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n".encode() + body)
        await writer.drain()
        if not keep:
            writer.close()

    def needs_token(self, method: str, path: str) -> bool:
        """Return whether only the run may ask for this, and not each client that reaches the port."""
        return path in CONTROLS and (method, path) != ("GET", "/health")

    def accepts(self, token: str) -> bool:
        """Return whether a request with this token may do everything."""
        return hmac.compare_digest(token.encode("latin-1"), self.token.encode("latin-1")) or not self.token

    async def answer(self, method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, object]]:
        if (method, path) == ("GET", "/executions"):
            return 200, {
                "executions": self.executions,
                "served": self.served,
                "arrivals": list(self.arrivals),
            }
        if method == "PUT":
            return await self.change(path, query)
        if (method, path) == ("GET", "/names"):
            return 200, await _addresses(query.get("name", ""))
        if (method, path) == ("GET", "/call"):
            return 200, {"calls": await _calls(query, self.second)}
        if (method, path) == ("GET", "/hold"):
            return 200, await _hold(query, self.second)
        if (method, path) == ("GET", "/health"):
            return await self.answer_health()
        if (method, path) == ("GET", "/lifetime"):
            return 200, {"task": await self.name(), "events": self.events}
        if (method, path) == ("GET", "/metadata"):
            return 200, await _metadata()
        if (method, path) == ("GET", "/resolve"):
            kind = _choice(query.get("type", "A"), *TYPES)
            return 200, await asyncio.to_thread(_resolve, query.get("name", ""), kind)
        return self.unknown(method, path)

    async def change(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, object]]:
        """Do what a PUT asks for."""
        if path == "/behave":
            return 200, self.behave(query)
        if path == "/health":
            self.health = (_choice(query.get("do", ""), "pass", "fail", "hang", "slow"), _seconds(query, "seconds"))
            return 200, {"health": self.health[0]}
        if path == "/fault":
            return 200, await self.inject(query)
        if path == "/exit":
            os._exit(int(query.get("code", "1")) & 0xFF)
        return self.unknown("PUT", path)

    def unknown(self, method: str, path: str) -> tuple[int, dict[str, object]]:
        return 404, {"error": f"no {method} {path}; the docstring of this program lists what there is"}

    def behave(self, query: dict[str, str]) -> dict[str, object]:
        do = _choice(query.get("do", ""), *BEHAVIOURS)
        if do.endswith("sigterm"):
            self.on_term = "ignore" if do == "ignore-sigterm" else self.first_on_term
        elif do in ("close", "keep-open"):
            self.keeps_open = do == "keep-open"
        else:
            self.behaviour = (do, int(query.get("status", "503")))
            self.slow = _seconds(query, "seconds") if do == "slow" else 0.0
        return {"behaviour": do}

    async def inject(self, query: dict[str, str]) -> dict[str, object]:
        """Start, stop or look at a fault through this task's agent."""
        fault, do, body = query.get("fault", ""), query.get("do", ""), query.get("with", "")
        key, seconds = f"{fault} {body}", _seconds(query, "seconds")
        if do == "stop" and key in self.limited_faults:
            limit = self.limited_faults.pop(key)
            if limit.done():
                return {"status": 200, "answer": {"Status": "stopped"}}
            limit.cancel()
        answer = await _ask_agent(fault, do, body)
        if do == "start" and seconds and answer["status"] == 200:
            self.limited_faults[key] = asyncio.create_task(self.stop_after(seconds, fault, body))
        return answer

    async def stop_after(self, seconds: float, fault: str, body: str) -> None:
        await self.wait_service_time(seconds)
        await _ask_agent(fault, "stop", body)

    async def identity(self, query: dict[str, str]) -> tuple[int, dict[str, object]]:
        self.served += 1
        self.arrivals.append(self.age())
        if "key" in query:
            self.executions[query["key"]] = self.executions.get(query["key"], 0) + 1
        if "after" in query:
            await asyncio.sleep(_seconds(query, "after") * self.second)
        do, refused = self.behaviour
        if do == "reset":
            return 0, {}
        if do == "hang":
            await asyncio.Event().wait()
        if self.slow:
            await asyncio.sleep(self.slow * self.second)
        status = refused if do == "refuse" else int(query.get("status", "200"))
        if not 200 <= status <= 599:
            raise _Refusal("expected a status from 200 to 599")
        answer: dict[str, object] = {
            "task": await self.name(),
            "address": self.address or socket.gethostbyname(socket.gethostname()),
            "pid": os.getpid(),
            "served": self.served,
            "stopping": self.stopping,
        }
        if "bytes" in query:
            answer["padding"] = "x" * min(int(query["bytes"]), MAX_BODY)
        return status, answer

    async def answer_health(self) -> tuple[int, dict[str, object]]:
        do, seconds = self.health
        if do == "hang":
            await asyncio.Event().wait()
        if do == "slow":
            await asyncio.sleep(seconds * self.second)
        return (503 if do == "fail" else 200), {"health": do}

    async def name(self) -> str:
        """Return the task's ARN, which is read from the task metadata endpoint when it is first needed."""
        if self.task is None:
            self.task = await _task()
        return self.task


async def _now(clock: str) -> float:
    try:
        return float((await _fetch(clock))["now"])
    except (OSError, ValueError, KeyError, EOFError):
        return math.inf  # the target is gone: there is no time to wait for


async def _task() -> str:
    if METADATA not in os.environ:
        return ""
    try:
        return str((await _fetch(os.environ[METADATA] + "/task"))["TaskARN"])
    except (OSError, ValueError, KeyError, EOFError) as error:
        return f"unknown: {type(error).__name__} {error}"


async def _metadata() -> dict[str, object]:
    if METADATA not in os.environ:
        raise _Refusal("this process has no metadata endpoint")
    uri = os.environ[METADATA]
    return {"container": await _fetch(uri), "task": await _fetch(f"{uri}/task")}


async def _fetch(url: str) -> dict[str, Any]:
    """Return the JSON at a URL."""
    status, body = await _ask("GET", url)
    if status != 200:
        raise ValueError(f"{url} answered {status}")
    value: dict[str, Any] = json.loads(body)
    return value


async def _ask_agent(fault: str, do: str, body: str) -> dict[str, object]:
    """Return how the agent of this task answers a request for fault injection."""
    if AGENT not in os.environ:
        raise _Refusal("this task has no ECS_AGENT_URI")
    try:
        status, text = await _ask("POST", f"{os.environ[AGENT]}/fault/v1/{fault}/{do}", body.encode())
    except (OSError, TimeoutError, EOFError, ValueError) as error:
        return {"status": 0, "answer": f"{type(error).__name__}: {error}"}
    try:
        return {"status": status, "answer": json.loads(text)}
    except ValueError:
        return {"status": status, "answer": text[:500].decode("utf-8", "replace")}


async def _ask(method: str, url: str, content: bytes = b"") -> tuple[int, bytes]:
    """Return status and body of an answer. No thread is used: it would double the memory of a task."""
    parts = urlsplit(url)
    async with asyncio.timeout(FETCH_TIMEOUT):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
        try:
            path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            lines = [f"{method} {path} HTTP/1.0", f"Host: {parts.netloc}"]
            if content:
                lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
            writer.write("\r\n".join((*lines, "", "")).encode("ascii") + content)
            head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        finally:
            writer.close()
    return int(head.split(b" ", 2)[1]), body


async def _addresses(name: str) -> dict[str, object]:
    """Return the addresses of a name, from SURVEYOR_HOSTS or getaddrinfo, in the order in which clients try them."""
    pairs = [pair.partition("=") for pair in os.environ.get("SURVEYOR_HOSTS", "").split()]
    if own := [address for known, _, address in pairs if known == name]:
        return {"addresses": own}
    if "SURVEYOR_LOOKUP" in os.environ:
        data: Any = await asyncio.to_thread(_resolve, name, "A")
        if own := [each["value"] for each in data.get("answers", ())]:
            return {"addresses": own}
    try:
        found = await asyncio.to_thread(socket.getaddrinfo, name, None, 0, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return {"error": str(error), "addresses": []}
    return {"addresses": list(dict.fromkeys(str(entry[4][0]) for entry in found))}


async def _calls(query: dict[str, str], second: float) -> list[dict[str, object]]:
    times, every = int(query.get("times", "1")), _seconds(query, "every")
    if not 0 < times <= MAX_CALLS:
        raise _Refusal(f"expected times from 1 to {MAX_CALLS}")
    start = time.monotonic()
    calls: list[asyncio.Task[dict[str, object]]] = []
    for number in range(times):
        due = start + number * every * second
        if every:
            await asyncio.sleep(due - time.monotonic())
        numbered = query | {"url": query.get("url", "").replace("{n}", str(number))}
        calls.append(asyncio.create_task(_call(numbered, second, due - start)))
        if not every:
            await calls[-1]
    return list(await asyncio.gather(*calls))


async def _call(query: dict[str, str], second: float, at: float) -> dict[str, object]:
    start = time.monotonic()
    result: dict[str, object] = {"at": round(at / second, 3)}
    writer = None
    try:
        async with asyncio.timeout((_seconds(query, "within") or 60) * second):
            reader, writer = await _send(query, keep=False)
            head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        result["status"] = int(head.split(b" ", 2)[1])
        with contextlib.suppress(ValueError):
            answer = json.loads(body)
            result |= {"task": answer.get("task"), "address": answer.get("address")}
    except (OSError, EOFError, TimeoutError, IndexError, ValueError) as error:
        result["error"] = f"{type(error).__name__}: {error}".rstrip(": ")
    finally:
        if writer is not None:
            writer.close()
    result["seconds"] = round((time.monotonic() - start) / second, 3)
    return result


async def _hold(query: dict[str, str], second: float) -> dict[str, object]:
    sent = time.monotonic()
    reader, writer = await _send(query, keep=True)
    start = time.monotonic()
    try:
        async with asyncio.timeout((_seconds(query, "within") or 60) * second):
            while await reader.read(65_536):
                start = time.monotonic()  # of the last bytes received
    except TimeoutError:
        return {"closed_after": None}
    finally:
        writer.close()
    closed = time.monotonic()
    return {"closed_after": round((closed - start) / second, 3), "after_request": round((closed - sent) / second, 3)}


async def _send(query: dict[str, str], *, keep: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request to the first address that accepts, of those that any program here finds for the URL's name."""
    url = urlsplit(query.get("url", ""))
    found: list[str] = (await _addresses(url.hostname or ""))["addresses"]  # type: ignore[assignment]  # a list of texts
    if not found:
        raise OSError(f"{url.hostname} is not known")
    allowed = [address for address in found if _is_allowed(address)]
    if not allowed:
        raise OSError(f"{', '.join(found)}: only private addresses are called, and no link-local ones")
    reader, writer = await _connect(allowed, url.port or 80)
    path = f"{url.path or '/'}{'?' if url.query else ''}{url.query}"
    lines = [
        f"{query.get('method', 'GET')} {path} {query.get('http', 'HTTP/1.1')}",
        f"Host: {url.netloc}",
        f"Connection: {'keep-alive' if keep else 'close'}",
        "Content-Length: 0",
    ]
    if "header" in query:
        lines.append(query["header"])
    writer.write("\r\n".join((*lines, "", "")).encode("latin-1"))
    return reader, writer


def _is_allowed(address: str) -> bool:
    """Return whether a task may call an address; Python takes link-local ones for private, too."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return not (mapped.is_global or mapped.is_link_local or mapped.is_multicast or mapped.is_unspecified)


async def _connect(addresses: Sequence[str], port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for address in addresses[:-1]:
        with contextlib.suppress(OSError):
            return await asyncio.open_connection(address, port)
    return await asyncio.open_connection(addresses[-1], port)


def _choice(value: str, *allowed: str) -> str:
    if value not in allowed:
        raise _Refusal(f"expected one of {', '.join(allowed)}, got {value!r}")
    return value


def _seconds(query: dict[str, str], name: str) -> float:
    value = float(query.get(name, "0"))
    if not 0 <= value <= MAX_WAIT:
        raise _Refusal(f"expected {name} from 0 to {MAX_WAIT} seconds")
    return value


def _resolve(name: str, kind: str) -> dict[str, object]:
    """Query this task's resolver, by UDP, and by TCP if the answer is truncated; return rcode, values and TTLs."""
    address, port = _resolver()
    labels = [label.encode("idna") for label in name.rstrip(".").split(".")]
    if not all(0 < len(label) < 64 for label in labels):
        raise _Refusal(f"expected a name, got {name!r}")
    number = int.from_bytes(os.urandom(2), "big")
    question = b"".join(bytes([len(label)]) + label for label in labels) + b"\0" + struct.pack(">HH", TYPES[kind], 1)
    query = struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + question
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(3)
            udp.connect((address, port))
            udp.send(query)
            answer = udp.recv(MAX_DNS_MESSAGE)
        if answer[2] & 0x02:
            with socket.create_connection((address, port), 3) as tcp, tcp.makefile("rb") as read:
                tcp.sendall(struct.pack(">H", len(query)) + query)
                answer = read.read(int.from_bytes(read.read(2), "big"))
    except OSError as error:
        return {"error": f"{address}:{port} did not answer: {error}"}
    return _parse_answer(answer, 12 + len(question))


def _resolver() -> tuple[str, int]:
    configured = os.environ.get("SURVEYOR_DNS", "")
    if configured:
        address, _, port = configured.rpartition(":")
        return address, int(port)
    for line in Path("/etc/resolv.conf").read_text("utf-8").splitlines():
        if line.startswith("nameserver"):
            return line.split()[1], 53
    raise _Refusal("this task has no resolver")


def _parse_answer(message: bytes, at: int) -> dict[str, object]:
    answers: list[dict[str, object]] = []
    for _ in range(int.from_bytes(message[6:8], "big")):
        _, at = _parse_name(message, at)
        kind, _, ttl, length = struct.unpack(">HHIH", message[at : at + 10])
        at += 10
        data = message[at : at + length]
        if kind == TYPES["A"]:
            answers.append({"ttl": ttl, "value": socket.inet_ntop(socket.AF_INET, data)})
        elif kind == TYPES["AAAA"]:
            answers.append({"ttl": ttl, "value": socket.inet_ntop(socket.AF_INET6, data)})
        elif kind == TYPES["SRV"]:
            priority, weight, port = struct.unpack(">HHH", data[:6])
            answers.append({"ttl": ttl, "value": f"{priority} {weight} {port} {_parse_name(message, at + 6)[0]}"})
        at += length
    return {"rcode": message[3] & 0x0F, "answers": answers}


def _parse_name(message: bytes, at: int) -> tuple[str, int]:
    """Return the name at an offset, and the offset after it."""
    labels: list[str] = []
    after = 0
    for _ in range(MAX_NAME_PARTS):  # pointers of a broken message may lead in a circle
        length = message[at]
        if not length:
            break
        if length >= 0xC0:
            after = after or at + 2
            at = int.from_bytes(message[at : at + 2], "big") & 0x3FFF
            continue
        labels.append(message[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    return ".".join(labels), after or at + 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
