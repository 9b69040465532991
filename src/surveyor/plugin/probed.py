"""Servers for health checks to probe: real ones, on loopback, that do as a test says.

A target whose checkers cannot reach this machine is `unsupported` for such a test.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
import threading
from collections.abc import Callable, Collection, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pytest
from botocore.exceptions import ClientError

from surveyor import bounds
from surveyor.errors import FeatureLacking, WrongAnswer
from surveyor.targets.running import RunningTarget

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient

__all__ = ["ProbedServer", "ServeProbes", "wall_seconds"]

T = TypeVar("T")


@dataclass(frozen=True)
class _Behaviour:
    """What a request is answered with; `after` in service seconds, None for never."""

    status: int = 200
    after: float | None = 0.0
    body: bytes = b""
    healthy_for: Collection[str] | None = None


class ProbedServer:
    """One server: `attributes` register it, `sources` has the address of each connection, `paths` that of each request.

    It answers 200 until told otherwise.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        address: str,
        wall: float,
        tls: ssl.SSLContext | None,
        tell: Callable[[str], None],
    ) -> None:
        self.address = address
        self._tell = tell
        self.port = 0
        self.sources: list[str] = []
        self.paths: list[str] = []
        self._loop, self._wall, self._tls = loop, wall, tls
        self._behaviour = _Behaviour()
        self._server: asyncio.Server | None = None
        self._listen()

    @property
    def attributes(self) -> dict[str, str]:
        """What RegisterInstance needs so that this server is probed."""
        return {"AWS_INSTANCE_IPV4": self.address, "AWS_INSTANCE_PORT": str(self.port)}

    def answer(
        self, status: int = 200, *, after: float = 0.0, body: bytes = b"", healthy_for: Collection[str] | None = None
    ) -> None:
        """From now on answer requests with `status`, `after` so many service seconds.

        `healthy_for`: connections from elsewhere than these addresses get 503 instead.
        """
        self._behaviour = _Behaviour(status, after, body, healthy_for)
        self._listen()
        late = f" after {after:g} s" if after else ""
        some = f" to {len(healthy_for)} checkers, 503 to others" if healthy_for is not None else ""
        self._tell(f"{self.address} answers {status}{late}{some}")

    def hang(self) -> None:
        """From now on accept connections and never answer."""
        self._behaviour = _Behaviour(after=None)
        self._listen()
        self._tell(f"{self.address} never answers")

    def refuse(self) -> None:
        """From now on refuse connections."""
        if self._server is not None:
            server, self._server = self._server, None
            self._run(_close(server))
            self._tell(f"{self.address} refuses connections")

    def forget(self) -> None:
        """Empty the lists of what has come."""
        self.sources.clear()
        self.paths.clear()

    def _listen(self) -> None:
        if self._server is None:
            start = asyncio.start_server(self._accept, self.address, self.port, ssl=self._tls)
            self._server = self._run(start)
            self.port = self._server.sockets[0].getsockname()[1]

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(bounds.LOCAL_ANSWER)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Who asks may go away at any moment.
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError):
            source = str(writer.get_extra_info("peername", ("gone",))[0])
            self.sources.append(source)
            head = await reader.readuntil(b"\r\n\r\n")
            self.paths.append(head.split(b" ", 2)[1].decode("latin-1"))
            told = self._behaviour
            if told.after is None:
                await reader.read()
                return
            await asyncio.sleep(told.after * self._wall)
            well = told.healthy_for is None or source in told.healthy_for
            lines = [f"HTTP/1.1 {told.status if well else 503} Told", f"Content-Length: {len(told.body)}"]
            if 300 <= told.status < 400:
                lines.append("Location: /elsewhere")
            writer.write("\r\n".join((*lines, "Connection: close", "", "")).encode() + told.body)
            await writer.drain()


class ServeProbes(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, *, tls: bool = False) -> ProbedServer:
        """`probed_server(tls=False)`: a new server; its certificate is self-signed, expired and of another name."""


@pytest.fixture
def probed_server(
    running: RunningTarget, fingerprint: str, tmp_path: Path, cloudmap: ServiceDiscoveryClient, route53: Route53Client
) -> Iterator[ServeProbes]:
    """Makes servers that the target's health checks reach, and withdraws them from it in the end."""
    wall = wall_seconds(running)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="probed servers", daemon=True)
    thread.start()
    made: list[ProbedServer] = []

    def make(*, tls: bool = False) -> ProbedServer:
        digits = fingerprint[len(made) * 4 :]
        address = f"127.{100 + len(made)}.{int(digits[:2], 16)}.{1 + int(digits[2:4], 16) % 254}"
        context = _tls(tmp_path) if tls else None
        try:
            made.append(ProbedServer(loop, address, wall, context, running.evidence.event))
        except OSError:  # where 127.0.0.1 is the only loopback address
            made.append(ProbedServer(loop, "127.0.0.1", wall, context, running.evidence.event))
        return made[-1]

    yield make
    _withdraw({(server.address, server.port) for server in made}, cloudmap, route53)
    for server in made:
        server.refuse()
    asyncio.run_coroutine_threadsafe(_end(), loop).result(bounds.LOCAL_ANSWER)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(bounds.LOCAL_ANSWER)
    loop.close()


def wall_seconds(running: RunningTarget) -> float:
    """Wall seconds in a service second of a probe. Raises FeatureLacking where probes do not come here."""
    control = running.control
    if control is None or not running.target.is_local or not control.settings().get("probe_loopback"):
        raise FeatureLacking(f"the health checks of {running.target.name} cannot reach a server of this machine")
    least, scale = float(str(control.settings()["probe_wall"])), control.scale()
    return least if scale is None else max(1 / scale, least)


def _withdraw(endpoints: set[tuple[str, int]], cloudmap: ServiceDiscoveryClient, route53: Route53Client) -> None:
    """Let nobody probe what is gone: each abandoned check would be probed through the hours of all later tests."""
    # A target that will not let go fails no test by it.
    with contextlib.suppress(ClientError, WrongAnswer, KeyError):
        for service in cloudmap.list_services()["Services"]:
            for instance in cloudmap.list_instances(ServiceId=service["Id"])["Instances"]:
                attributes = instance["Attributes"]
                place = attributes.get("AWS_INSTANCE_IPV4", ""), int(attributes.get("AWS_INSTANCE_PORT", 0))
                if place in endpoints:
                    cloudmap.deregister_instance(ServiceId=service["Id"], InstanceId=instance["Id"])
        for check in route53.list_health_checks()["HealthChecks"]:
            config = check["HealthCheckConfig"]
            if (config.get("IPAddress"), config.get("Port")) in endpoints and "LinkedService" not in check:
                route53.delete_health_check(HealthCheckId=check["Id"])


async def _close(server: asyncio.Server) -> None:
    server.close()


async def _end() -> None:
    # A connection accepted last becomes a task in the loop's next turn, and a transport closes in one more.
    for _ in range(3):
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)


def _tls(folder: Path) -> ssl.SSLContext:
    path = folder / "probed.pem"
    path.write_bytes(_certificate())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@functools.cache
def _certificate() -> bytes:
    """Key and certificate in PEM: signed by itself, for a name that nobody asked for, and expired."""
    from cryptography import x509  # it comes with moto, and takes a moment to import
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "someone-else.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=20))
        .not_valid_after(now - timedelta(days=10))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return secret + certificate.public_bytes(serialization.Encoding.PEM)
