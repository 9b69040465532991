"""Options that say how the service of a watch is called, for `surveyor watch` and `surveyor gate --watch`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.errors import UsageError
from surveyor.visible_text import one_line

if TYPE_CHECKING:
    from surveyor.callers import Request
    from surveyor.watch.settings import WatchSettings, WorkerSettings

__all__ = ["CallOptions"]


@dataclass(frozen=True)
class CallOptions:
    """What is called and how often, and until when a deployment must be over."""

    within: Annotated[
        str, typer.Option(metavar="TIME", help="A deployment must begin, and be over, within this time.")
    ] = "1h"
    path: Annotated[str, typer.Option("--path", metavar="PATH", help="What is called.")] = "/"
    method: Annotated[str, typer.Option(metavar="NAME", help="Method of the calls.")] = "GET"
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the tasks; default: the registered one.")] = 0
    host: Annotated[
        str, typer.Option(metavar="NAME", help="Host header, and name in the certificate; default: the name called.")
    ] = ""
    header: Annotated[
        list[str] | None,
        typer.Option("--header", metavar="'NAME: VALUE'", help="Further header of the calls; may be repeated."),
    ] = None
    tls: Annotated[bool, typer.Option("--tls", help="The tasks speak TLS.")] = False
    ca: Annotated[str, typer.Option(metavar="FILE", help="Certificates to trust, in PEM; implies --tls.")] = ""
    insecure: Annotated[bool, typer.Option("--insecure", help="Accept any certificate; implies --tls.")] = False
    expect: Annotated[str, typer.Option(metavar="STATUSES", help="Statuses of a good answer, such as 200-299,404.")] = (
        "200-399"
    )
    client: Annotated[
        list[str] | None,
        typer.Option(
            "--client", metavar="NAME", help="Client model that calls; may be repeated (surveyor load --list)."
        ),
    ] = None
    proxy: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="A client's Service Connect proxy that can be called from here.")
    ] = ""
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=100,
            help="Calls of each client model per wall second, however fast the target's clock is; default: 2, "
            "of a gate 30.",
        ),
    ] = None
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, max=60, help="Wall seconds for connecting, and for the answer.")
    ] = 2.0
    poll: Annotated[float, typer.Option(min=1, max=60, help="Service seconds between two polls of the service.")] = 2.0
    workers: Annotated[
        int, typer.Option(min=0, max=100, help="Locust workers that call instead of this process; 0: none.")
    ] = 0
    listen: Annotated[
        str,
        typer.Option(metavar="HOST:PORT", help="Wait here for workers of other machines instead of starting them."),
    ] = ""
    seed: Annotated[int, typer.Option(help="Seed of all random choices.")] = 7

    def settings(self, at_least: float = 0.99, rate: float = 2.0) -> WatchSettings:
        """Return the settings of a watch; `rate`: unless the user names another. Raises UsageError."""
        from surveyor.cli._support.durations import parse_duration
        from surveyor.watch.settings import WatchSettings

        return WatchSettings(
            request=self._request(),
            port=self.port,
            clients=tuple(self.client or ()),
            rate=rate if self.rate is None else self.rate,
            timeout=self.timeout,
            proxy=_address("--proxy", self.proxy),
            poll_period=self.poll,
            at_least=at_least,
            within=parse_duration(self.within, "--within"),
            seed=self.seed,
            workers=self._workers(),
        )

    def _workers(self) -> WorkerSettings | None:
        from surveyor.watch.settings import WorkerSettings

        if self.listen and not self.workers:
            raise UsageError("--listen needs the number of workers that connect: add --workers N")
        return WorkerSettings(self.workers, _address("--listen", self.listen)) if self.workers else None

    def _request(self) -> Request:
        """Return the request that is made; the values of headers, which may be credentials, appear nowhere."""
        from surveyor.callers import Request, Tls, parse_header, parse_statuses
        from surveyor.secret_values import register

        named = tuple(parse_header(text) for text in self.header or ())
        register(*(value for _, value in named))
        has_tls = self.tls or self.insecure or self.ca
        secured = Tls(verify=not self.insecure, authorities=self.ca) if has_tls else None
        request = Request(self.method, self.path, self.host, named, secured, parse_statuses(self.expect))
        _ = request.context  # a file without certificates is refused before anything is read
        return request


def _address(option: str, text: str) -> tuple[str, int]:
    """Return the address and the port of an option, ("", 0) if it is not given. Raises UsageError."""
    from surveyor.targets.options import address_and_port

    found = address_and_port(text) if text else ("", 0)
    if found is None:
        raise UsageError(f"{option}: expected HOST:PORT, got {one_line(text)!r}")
    return found
