"""Options that say how the service of a watch is called, for `surveyor watch` and `surveyor gate --watch`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.errors import UsageError
from surveyor.visible_text import one_line

if TYPE_CHECKING:
    from surveyor.callers import Request

__all__ = [
    "Ca",
    "ClientNames",
    "Expect",
    "Headers",
    "Host",
    "Insecure",
    "Method",
    "Path_",
    "Poll",
    "Port",
    "Proxy",
    "Rate",
    "Seed",
    "TimeoutSeconds",
    "TlsFlag",
    "Within",
    "proxy_from",
    "request_from",
]

Path_ = Annotated[str, typer.Option("--path", metavar="PATH", help="What is called.")]
Method = Annotated[str, typer.Option(metavar="NAME", help="Method of the calls.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port of the tasks; default: the registered one.")]
Host = Annotated[
    str, typer.Option(metavar="NAME", help="Host header, and name in the certificate; default: the name called.")
]
Headers = Annotated[
    list[str] | None,
    typer.Option("--header", metavar="'NAME: VALUE'", help="Further header of the calls; may be repeated."),
]
TlsFlag = Annotated[bool, typer.Option("--tls", help="The tasks speak TLS.")]
Ca = Annotated[str, typer.Option(metavar="FILE", help="Certificates to trust, in PEM; implies --tls.")]
Insecure = Annotated[bool, typer.Option("--insecure", help="Accept any certificate; implies --tls.")]
Expect = Annotated[str, typer.Option(metavar="STATUSES", help="Statuses of a good answer, such as 200-299,404.")]
ClientNames = Annotated[
    list[str] | None,
    typer.Option("--client", metavar="NAME", help="Client model that calls; may be repeated (surveyor load --list)."),
]
Proxy = Annotated[
    str, typer.Option(metavar="HOST:PORT", help="A client's Service Connect proxy that can be called from here.")
]
Rate = Annotated[float, typer.Option(min=0.1, max=100, help="Calls per second of each client model.")]
TimeoutSeconds = Annotated[
    float, typer.Option("--timeout", min=0.1, max=60, help="Seconds for connecting, and for the answer.")
]
Poll = Annotated[float, typer.Option(min=1, max=60, help="Seconds between two polls of the service.")]
Within = Annotated[str, typer.Option(metavar="TIME", help="A deployment must begin, and be over, within this time.")]
Seed = Annotated[int, typer.Option(help="Seed of all random choices.")]


def request_from(
    method: str, path: str, host: str, headers: Sequence[str], expect: str, ca: str, *, tls: bool, insecure: bool
) -> Request:
    """Return the request that is made; the values of headers, which may be credentials, appear nowhere."""
    from surveyor.callers import Request, Tls, parse_header, parse_statuses
    from surveyor.secret_values import register

    named = tuple(parse_header(text) for text in headers)
    register(*(value for _, value in named))
    secured = Tls(verify=not insecure, authorities=ca) if tls or insecure or ca else None
    request = Request(method, path, host, named, secured, parse_statuses(expect))
    _ = request.context  # a file without certificates is refused before anything is read
    return request


def proxy_from(text: str) -> tuple[str, int]:
    """Return address and port of --proxy. Raises UsageError."""
    from surveyor.targets.options import address_and_port

    found = address_and_port(text) if text else ("", 0)
    if found is None:
        raise UsageError(f"--proxy: expected HOST:PORT, got {one_line(text)!r}")
    return found
