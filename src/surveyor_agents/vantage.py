"""The vantage: a program in a task inside a VPC, which asks and calls there what a run outside wants to know.

One file that imports the standard library only, carried by the command of a task definition into any public Python
image. Nothing listens, unless it is asked to serve, and nothing is signed here: commands and answers are objects of S3
with presigned URLs. Each command carries the URL for its answer and the URL of the next command, and an HMAC under a
key of the run, over its number too, so that a command that is forged, changed or repeated is refused.

Environment: SURVEYOR_VANTAGE_KEY (hex), SURVEYOR_VANTAGE_HELLO (URL for the answer that says where this is),
SURVEYOR_VANTAGE_FIRST (URL of the first command), SURVEYOR_VANTAGE_RUN (the prefix of the run's names),
SURVEYOR_VANTAGE_IDLE (service seconds without a command after which it ends).
SURVEYOR_SECOND, SURVEYOR_LISTEN and SURVEYOR_DNS are as in surveyor_agents.workload.

    dns    server ("" is the resolver of this task), port, name (that is asked for), tcp, timeout, times, steps: each is
           a message to send, in base 64, or null to receive one. Over TCP what is sent are bytes of the stream.
    http   url, method, headers, body, within, limit: one request over a new connection, without redirects
    tls    address, port, version (1.2 or 1.3), authority (PEM), within: one handshake; the certificate that was served
    serve  port, and what changes: pem (key and certificate, for TLS), answer (status, after, body, body_after,
           healthy_for, wall; `after` null never answers), refuse, forget. Answers what was asked of the server so far.
           Only a task that is started for it has a group that admits health checkers.
    watch  of (one of these), every, during, until_changed: repeats it, and answers with each result that is another
           than the one before
    end    ends this program

Messages go to private addresses, or for names of the run; never to link-local ones, where credentials of tasks and
hosts are, nor to loopback, unless the address of this task is itself one. The program ends when it had no command for
long, after six hours, when its URLs have ended, or with its mailbox. Seconds are service seconds, `timeout` and
`within` wall seconds.
"""

import asyncio
import base64
import contextlib
import hmac
import http.client
import ipaddress
import json
import os
import socket
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

__all__ = [
    "ENDINGS",
    "Forged",
    "Mailbox",
    "Server",
    "command",
    "handshake",
    "main",
    "over_tcp",
    "over_udp",
    "pause",
    "remember_addresses",
    "say_hello",
    "seal",
    "source",
    "unseal",
]

LIFE = 6 * 3_600.0
"""Service seconds after which it ends."""

ENDINGS = {
    0: "it ended by itself",
    3: "the presigned URLs of its mailbox are not valid any more",
    4: "its mailbox was deleted",
    5: "it does not reach its mailbox in S3",
}
"""The meaning of its exit codes."""

KEY, HELLO, FIRST, RUN, IDLE = (f"SURVEYOR_VANTAGE_{name}" for name in ("KEY", "HELLO", "FIRST", "RUN", "IDLE"))

# Service seconds between two looks for a command: by how long ago the last one arrived.
PACES = ((2.0, 0.1), (15.0, 0.25), (float("inf"), 1.0))
SHORTEST_PAUSE = 0.01  # wall seconds
REACHES_WITHIN = 60.0
MAILBOX_TIMEOUT = 10.0
MAX_MESSAGE = 4 * 1024 * 1024
MAX_BODY = 1024 * 1024
MAX_DNS_MESSAGE = 65_535
MAX_TIMES = 10_000
MAX_RESULTS = 1_000
AT_ONCE = 16
METADATA_IPV6 = ipaddress.ip_network("fd00:ec2::/32")  # of instances and tasks, and of the resolver

Verb = Mapping[str, Any]
Result = dict[str, Any]
_never = threading.Event()
_find_addresses = socket.getaddrinfo


class Forged(Exception):
    """A message that the other side has not sealed, or not for this place."""


class _Refused(Exception):
    """What this program does not do; the text says why."""


def seal(key: bytes, kind: str, content: Mapping[str, Any]) -> bytes:
    """Return a message: an HMAC over its kind and content, and the content."""
    body = json.dumps(content, separators=(",", ":")).encode()
    return hmac.digest(key, kind.encode() + b"\n" + body, "sha256").hex().encode() + b"\n" + body


def unseal(key: bytes, kind: str, number: int, message: bytes) -> dict[str, Any]:
    """Return the content of a message of that kind and number. Raises Forged."""
    mark, _, body = message.partition(b"\n")
    expected = hmac.digest(key, kind.encode() + b"\n" + body, "sha256").hex().encode()
    if not hmac.compare_digest(mark, expected):
        raise Forged("it has not the HMAC of the run")
    content: dict[str, Any] = json.loads(body)
    if content.get("number") != number:
        raise Forged(f"it is number {content.get('number')}, expected {number}")
    return content


def source() -> str:
    """Return this program as a container's command carries it."""
    from surveyor_agents.carrying import source_of  # not needed in a task

    return source_of(__file__)


def command() -> list[str]:
    """Return the command of a container that runs this file on any Python image."""
    return ["python", "-c", source()]


def main() -> int:
    """Carry out commands until there are no more; return the exit status."""
    second = float(os.environ.get("SURVEYOR_SECOND", "1"))
    remember_addresses()
    key, mailbox = bytes.fromhex(os.environ[KEY]), Mailbox()
    if not say_hello(key, mailbox, second):
        return 5
    number, url, idle = 1, os.environ[FIRST], float(os.environ[IDLE])
    began = last = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as commands:
        while time.monotonic() - began < LIFE * second and time.monotonic() - last < idle * second:
            status, body = mailbox.get(url)
            content = _command(key, number, body) if status == 200 else None
            if content is not None:
                verbs = content["verbs"]
                if any(verb.get("verb") == "end" for verb in verbs):
                    return 0
                commands.submit(_answer, key, content, second)
                number, url, last = number + 1, content["next"], time.monotonic()
                continue
            if status == 404 and b"NoSuchBucket" in body:
                return 4
            if status == 403 and b"xpired" in body:  # Request has expired, ExpiredToken
                return 3
            age = (time.monotonic() - last) / second
            pause(next(length for until, length in PACES if age < until) * second)
    return 0


def say_hello(key: bytes, mailbox: "Mailbox", second: float) -> bool:
    """Put where this program is into the mailbox; return whether that succeeded."""
    facts = {"number": 0, "address": _own_address(), "resolver": _resolver()[0], "python": sys.version.split()[0]}
    began = time.monotonic()
    while mailbox.put(os.environ[HELLO], seal(key, "answer", facts)) != 200:
        if time.monotonic() - began > REACHES_WITHIN * max(second, 0.1):
            return False
        pause(second)
    return True


def _command(key: bytes, number: int, body: bytes) -> dict[str, Any] | None:
    try:
        return unseal(key, "command", number, body)
    except (Forged, ValueError) as error:
        sys.stderr.write(f"command {number} is refused: {error}\n")
        return None


def _answer(key: bytes, content: Mapping[str, Any], second: float) -> None:
    """Carry out all verbs of a command side by side, and put their results into the mailbox."""
    verbs: Sequence[Verb] = content["verbs"]
    with ThreadPoolExecutor(min(AT_ONCE, max(1, len(verbs)))) as pool:
        results = list(pool.map(lambda verb: _result(verb, second), verbs))
    message = seal(key, "answer", {"number": content["number"], "results": results})
    if len(message) > MAX_MESSAGE:
        results = [{"error": f"all results together are larger than {MAX_MESSAGE} bytes"} for _ in verbs]
        message = seal(key, "answer", {"number": content["number"], "results": results})
    mailbox = Mailbox()
    for _ in range(20):
        if mailbox.put(content["answer"], message) in (200, 403, 404):
            return
        pause(second)


def _result(verb: Verb, second: float) -> Result:
    """Return the result of a verb; whatever goes wrong is a result too."""
    began = time.monotonic()
    try:
        result = _VERBS[verb["verb"]](verb, second)
    except Exception as error:  # noqa: BLE001  # an answer without a result would leave the run waiting
        result = {"error": str(error) or type(error).__name__, "kind": _kind(error)}
    return {**result, "seconds": round((time.monotonic() - began) / second, 4)}


def _kind(error: Exception) -> str:
    kinds = ((_Refused, "refused"), (TimeoutError, "timeout"), (ssl.SSLError, "ssl"), (OSError, "os"))
    return next((name for kind, name in kinds if isinstance(error, kind)), type(error).__name__)


def _dns(verb: Verb, second: float) -> Result:
    steps = [None if step is None else base64.b64decode(step, validate=True) for step in verb["steps"]]
    address, port = _resolver() if not verb.get("server") else (verb["server"], int(verb["port"]))
    if verb.get("server"):
        _check(address, verb["name"])
    exchange = over_tcp if verb.get("tcp") else over_udp
    rounds = []
    for _ in range(min(int(verb.get("times", 1)), MAX_TIMES)):
        received = exchange((address, port), steps, float(verb.get("timeout", 2)))
        rounds.append([base64.b64encode(message).decode() for message in received])
    return {"rounds": rounds}


def over_udp(server: tuple[str, int], steps: Sequence[bytes | None], timeout: float) -> list[bytes]:
    """Send each step, or receive a message where it is None; return what was received."""
    received = []
    with socket.socket(_family(server[0]), socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        client.connect(server)
        for step in steps:
            if step is None:
                received.append(client.recv(MAX_DNS_MESSAGE))
            else:
                client.send(step)
    return received


def over_tcp(server: tuple[str, int], steps: Sequence[bytes | None], timeout: float) -> list[bytes]:
    """Do the same over one connection; steps are bytes of the stream, and what is received are messages."""
    received = []
    with socket.create_connection(server, timeout) as client, client.makefile("rb") as stream:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for step in steps:
            if step is None:
                length = int.from_bytes(_read(stream, 2), "big")
                received.append(_read(stream, length))
            else:
                client.sendall(step)
    return received


def _read(stream: Any, size: int) -> bytes:
    found: bytes = stream.read(size)
    if len(found) < size:
        raise OSError("the connection was closed")
    return found


def _http(verb: Verb, second: float) -> Result:
    url = urlsplit(verb["url"])
    if url.scheme != "http" or not url.hostname:
        raise _Refused("expected a URL http://HOST[:PORT]/…")
    address = _reachable(url.hostname)
    connection = http.client.HTTPConnection(address, url.port or 80, timeout=float(verb.get("within", 10)))
    path = f"{url.path or '/'}{'?' if url.query else ''}{url.query}"
    body = base64.b64decode(verb["body"]) if verb.get("body") else None
    try:
        connection.request(verb.get("method", "GET"), path, body, {"Host": url.netloc, **verb.get("headers", {})})
        response = connection.getresponse()
        text = response.read(min(int(verb.get("limit", MAX_BODY)), MAX_BODY))
    finally:
        connection.close()
    return {"status": response.status, "body": base64.b64encode(text).decode()}


def _tls(verb: Verb, second: float) -> Result:
    address = _reachable(verb["address"])
    within, authority = float(verb.get("within", 10)), verb.get("authority", "")
    found = handshake(address, int(verb["port"]), verb["version"], authority, within)
    return {**found, "der": base64.b64encode(found["der"]).decode()}


def handshake(address: str, port: int, version: str, authority: str, within: float) -> dict[str, Any]:
    """Return the certificate of one handshake: `der`, and its `begins` and `ends` in GMT if an authority is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED if authority else ssl.CERT_NONE
    if authority:
        context.load_verify_locations(cadata=authority)
    known = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
    context.minimum_version = context.maximum_version = known[version]
    with socket.create_connection((address, port), within) as plain, context.wrap_socket(plain) as encrypted:
        described = encrypted.getpeercert() or {}
        return {
            "der": encrypted.getpeercert(binary_form=True) or b"",
            "begins": described.get("notBefore", ""),
            "ends": described.get("notAfter", ""),
        }


class Server:
    """A server for health checks: what it answers, and the sources, paths and hosts of what it was asked.

    `address`: where it listens, "" for all addresses; `port`: 0 is replaced by a free one.
    """

    def __init__(self, address: str, port: int) -> None:
        self.address, self.port, self.answer = address, port, dict[str, Any]()
        self.seen: dict[str, list[str]] = {"sources": [], "paths": [], "hosts": []}
        self.listening: asyncio.Server | None = None

    async def change(self, verb: Verb) -> None:
        """Do what a request says."""
        if verb.get("forget"):
            for texts in self.seen.values():
                texts.clear()
        if verb.get("refuse") and self.listening is not None:
            self.listening.close()
            self.listening = None
        if verb.get("answer") is not None:
            self.answer = verb["answer"]
            if self.listening is None:
                tls = _server_context(verb.get("pem", ""))
                self.listening = await asyncio.start_server(self.accept, self.address or None, self.port, ssl=tls)
                self.port = self.listening.sockets[0].getsockname()[1]

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection; the client may close it at any moment."""
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError):
            source = str((writer.get_extra_info("peername") or ("gone",))[0])
            self.seen["sources"].append(source)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.seen["paths"].append(head.split(" ", 2)[1])
            self.seen["hosts"] += [line[5:].strip() for line in head.splitlines() if line[:5].lower() == "host:"]
            answer = self.answer
            if answer.get("after") is None:
                await reader.read()
                return
            await asyncio.sleep(answer["after"] * answer["wall"])
            is_healthy = answer.get("healthy_for") is None or source in answer["healthy_for"]
            status, body = answer["status"] if is_healthy else 503, base64.b64decode(answer["body"])
            location = "Location: /elsewhere\r\n" if 300 <= status < 400 else ""
            lines = (
                f"HTTP/1.1 {status} Configured\r\nContent-Length: {len(body)}\r\n{location}Connection: close\r\n\r\n"
            )
            writer.write(lines.encode())
            if answer.get("body_after"):
                await writer.drain()
                await asyncio.sleep(answer["body_after"] * answer["wall"])
            writer.write(body)
            await writer.drain()


def _server_context(pem: str) -> ssl.SSLContext | None:
    if not pem:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)
    return context


class _Servers:
    """The servers of this task, in one thread, by their ports."""

    loop: asyncio.AbstractEventLoop | None = None
    by_port: ClassVar[dict[int, Server]] = {}


def _serve(verb: Verb, second: float) -> Result:
    if _Servers.loop is None:
        _Servers.loop = asyncio.new_event_loop()
        threading.Thread(target=_Servers.loop.run_forever, daemon=True).start()
    new = Server(os.environ.get("SURVEYOR_LISTEN", ""), int(verb["port"]))
    server = _Servers.by_port.setdefault(new.port, new)
    asyncio.run_coroutine_threadsafe(server.change(verb), _Servers.loop).result(10)
    return {name: list(texts) for name, texts in server.seen.items()}


def _watch(verb: Verb, second: float) -> Result:
    inner: Verb = verb["of"]
    changes: list[Result] = []
    if inner["verb"] == "watch":
        raise _Refused("a watch of a watch")
    began, before = time.monotonic(), None
    while len(changes) < MAX_RESULTS:
        at = (time.monotonic() - began) / second
        result = _result(inner, second)
        shown = {name: value for name, value in result.items() if name != "seconds"}
        if shown != before:
            changes.append({"at": round(at, 3), **result})
            before = shown
            if verb.get("until_changed") and len(changes) > 1:
                break
        if at >= float(verb["during"]):
            break
        pause(float(verb["every"]) * second)
    return {"changes": changes}


_VERBS: Mapping[str, Callable[[Verb, float], Result]] = {
    "dns": _dns,
    "http": _http,
    "serve": _serve,
    "tls": _tls,
    "watch": _watch,
}


def _reachable(host: str) -> str:
    """Return an address of a host that may be called. Raises _Refused, and OSError if the name is not known."""
    found = [str(entry[4][0]) for entry in _find_addresses(host, None, 0, socket.SOCK_STREAM)]
    _check(found[0], host)
    return found[0]


def _check(address: str, name: str) -> None:
    """Raise _Refused unless this program may send something to an address, for a name."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    if mapped.is_loopback:
        own = ipaddress.ip_address(_own_address())
        is_task = own.is_loopback and not str(mapped).startswith("127.0.")
        if not is_task and not (own.is_loopback and _is_of_run(name)):
            raise _Refused(f"{address} is a loopback address")
    elif mapped.is_link_local or mapped.is_multicast or mapped.is_unspecified or mapped in METADATA_IPV6:
        raise _Refused(f"{address} is no address of a task")
    elif mapped.is_global and not _is_of_run(name):
        raise _Refused(f"{address} is a public address, and {name[:100]!r} is no name of the run")


def _is_of_run(name: str) -> bool:
    return os.environ[RUN].lower() in name.lower()


def _own_address() -> str:
    if own := os.environ.get("SURVEYOR_LISTEN") or os.environ.get("SURVEYOR_ADDRESS"):
        return own
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("10.255.255.255", 9))  # a datagram socket sends nothing
        return str(probe.getsockname()[0])


def _resolver() -> tuple[str, int]:
    if configured := os.environ.get("SURVEYOR_DNS", ""):
        address, _, port = configured.rpartition(":")
        return address, int(port)
    for line in Path("/etc/resolv.conf").read_text("utf-8").splitlines():
        if line.startswith("nameserver"):
            return line.split()[1], 53
    raise _Refused("this task has no resolver")


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def pause(seconds: float) -> None:
    """Wait for wall seconds."""
    _never.wait(max(seconds, SHORTEST_PAUSE))


def remember_addresses() -> None:
    """Let the mailbox be found again once it was: a test may switch the resolver of this VPC off."""
    found: dict[tuple[Any, ...], Any] = {}

    def remembered(*question: Any) -> Any:
        try:
            found[question] = _find_addresses(*question)
        except OSError:
            if question not in found:
                raise
        return found[question]

    socket.getaddrinfo = remembered  # type: ignore[assignment]  # connections of http.client find their host by it


class Mailbox:
    """Gets and puts objects by presigned URLs, over a connection that is kept. Used by one thread."""

    def __init__(self) -> None:
        self._connection: http.client.HTTPConnection | None = None
        self._host = ""

    def get(self, url: str) -> tuple[int, bytes]:
        """Return status and body; 0 if there was no answer."""
        return self._request("GET", url, None)

    def put(self, url: str, body: bytes) -> int:
        """Return the status; 0 if there was no answer."""
        return self._request("PUT", url, body)[0]

    def _request(self, method: str, url: str, body: bytes | None) -> tuple[int, bytes]:
        parts = urlsplit(url)
        try:
            if self._connection is None or self._host != parts.netloc:
                kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
                self._connection, self._host = kind(parts.netloc, timeout=MAILBOX_TIMEOUT), parts.netloc
            self._connection.request(method, f"{parts.path}?{parts.query}", body)
            response = self._connection.getresponse()
            return response.status, response.read(MAX_MESSAGE + 1)
        except (OSError, http.client.HTTPException):
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            return 0, b""


if __name__ == "__main__":
    sys.exit(main())
