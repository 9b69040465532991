"""The command line of the embedded target, parsed into frozen values.

It uses argparse, since a richer library would cost a large part of the start-up time.
"""

from __future__ import annotations

import argparse
import math
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NoReturn, get_args

from surveyor_emulator.core.http import is_loopback
from surveyor_emulator.core.identifiers import is_account, is_region
from surveyor_emulator.core.settings import (
    DELAYS,
    PROFILES,
    CallRates,
    DefaultVpc,
    Delay,
    Deregistration,
    DnsFirewall,
    DnsPath,
    Egress,
    Machine,
    ProxyDrain,
    Quotas,
    Residents,
    Settings,
    Sidecars,
    StoppedAddresses,
    TaskAddresses,
    TaskNamespace,
    Traffic,
    ZoneRouting,
)

from .services import SERVICES

__all__ = ["Options", "apply_setting", "is_local", "parse_options"]

QUOTAS = "quotas."
TOKEN_VARIABLE = "SURVEYOR_TOKEN"  # noqa: S105  # the name of a variable
SANDBOX_VARIABLE = "SURVEYOR_SANDBOX"  # the number of a sandbox's network namespace
# Settings with a separate option.
_NAMED = frozenset({"seed", "secret", "account", "region", "scale", "quotas", "verify_signatures", "probe_loopback"})
_DESCRIPTION = """\
The embedded target, an emulator of Cloud Map, Route 53 and ECS. When it is ready, `surveyor emulator` prints the
settings of AWS clients as export lines, and `python -m surveyor_emulator` prints one line of JSON: endpoint, dns,
secret, token, pid. The token is that of the control endpoint: SURVEYOR_TOKEN in the environment, or a random one."""
_CHOICES = {
    "CallRates": get_args(CallRates),
    "DefaultVpc": get_args(DefaultVpc),
    "Deregistration": get_args(Deregistration),
    "DnsFirewall": get_args(DnsFirewall),
    "DnsPath": get_args(DnsPath),
    "Egress": get_args(Egress),
    "Machine": get_args(Machine),
    "ProxyDrain": get_args(ProxyDrain),
    "Residents": get_args(Residents),
    "Sidecars": get_args(Sidecars),
    "StoppedAddresses": get_args(StoppedAddresses),
    "TaskAddresses": get_args(TaskAddresses),
    "TaskNamespace": get_args(TaskNamespace),
    "Traffic": get_args(Traffic),
    "ZoneRouting": get_args(ZoneRouting),
}


@dataclass(frozen=True, slots=True)
class Options:
    """Addresses to listen on, further ``names`` of this host, the control endpoint's ``token``, and ``settings``.

    ``outside``: the descriptor of a socket that listens outside of the sandbox in which the target runs. ``preload``:
    services whose modules are loaded before their first request.
    """

    settings: Settings
    host: str
    port: int
    dns_port: int
    die_with_parent: bool
    mutation: str | None = None
    names: tuple[str, ...] = ()
    token: str = ""
    outside: int | None = None
    preload: tuple[str, ...] = ()


class _Parser(argparse.ArgumentParser):
    """A parser that prints one line for an error, not the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help lists all options)\n")


def parse_options(arguments: Sequence[str]) -> Options:
    """Parse the command line; raise SystemExit with status 2 after one line on stderr if it is invalid."""
    parser = _parser()
    values = parser.parse_args(arguments)
    if values.scale is not None and values.clock == "advance":
        parser.error("--scale needs --clock flow; with --clock advance time moves only when advanced")
    if values.sandbox:
        parser.error("--sandbox is an option of `surveyor emulator`, which makes the sandbox")
    try:
        token = _token(os.environ.get(TOKEN_VARIABLE, ""))
    except ValueError as error:
        parser.error(str(error))
    settings = Settings(
        seed=values.seed,
        secret=values.secret or _default_secret(values.host),
        account=values.account,
        region=values.region,
        scale=None if values.clock == "advance" else values.scale or 1.0,
        verify_signatures=values.signatures,
        probe_loopback=values.probe_loopback,
    )
    if not values.throttle:
        quotas = replace(settings.quotas, discover_rate=None, revision_rate=None)
        settings = replace(settings, quotas=quotas, resolver_packets=None)
    changes: dict[str, Any] = {**PROFILES[values.profile], **DELAYS[values.delays]}
    if _in_sandbox():
        changes["task_addresses"] = "subnet"
    settings = replace(settings, **changes)
    for text in values.set:
        try:
            settings = apply_setting(settings, text)
        except ValueError as error:
            parser.error(f"--set {text}: {error}")
    return Options(
        settings,
        values.host,
        values.port,
        values.dns_port,
        values.die_with_parent,
        values.mutation,
        names=tuple(values.allow_host),
        token=token,
        outside=values.outside,
        preload=tuple(values.preload),
    )


def _in_sandbox() -> bool:
    """Return whether this process runs in a sandbox of `surveyor sandbox`."""
    mark = os.environ.get(SANDBOX_VARIABLE)
    try:
        return bool(mark) and mark == str(Path("/proc/self/ns/net").stat().st_ino)
    except OSError:
        return False


def _default_secret(host: str) -> str:
    """Return the public secret for loopback, and a random one where other machines reach the emulator."""
    return Settings().secret if is_local(host) else secrets.token_urlsafe(24)


def is_local(host: str) -> bool:
    """Return whether only this machine reaches what listens on ``host``; False also for a name that is not known."""
    try:
        return is_loopback(host)
    except (OSError, ValueError):
        return False


def _token(text: str) -> str:
    """Return the token of the control endpoint: ``text``, or a random one. Raise ValueError if it is no token."""
    if text and not (text.isascii() and text.isprintable() and " " not in text):
        raise ValueError(f"expected visible ASCII characters in {TOKEN_VARIABLE}; without it a random token is made")
    return text or secrets.token_urlsafe(32)


def _parser() -> argparse.ArgumentParser:
    default = Settings()
    parser = _Parser(
        prog="surveyor_emulator",
        usage="surveyor emulator [OPTIONS], or python -m surveyor_emulator [OPTIONS]",
        description=_DESCRIPTION,
        epilog="\n".join(_settings_help()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--host", type=_host, default="127.0.0.1", help="address to listen on (%(default)s)")
    add(
        "--preload",
        action="append",
        choices=sorted(SERVICES),
        default=[],
        metavar="SERVICE",
        help="load a service once the target is ready, so that its first request is quick; may be repeated",
    )
    add(
        "--allow-host",
        action="append",
        type=_host,
        default=[],
        metavar="NAME",
        help="answer clients that reach it by this name too, as in their endpoint's URL; may be repeated",
    )
    add("--port", type=_port, default=0, help="HTTP port; 0 picks a free one (%(default)s)")
    add("--dns-port", type=_port, default=0, help="DNS port, UDP and TCP; 0 picks a free one (%(default)s)")
    add("--clock", choices=("flow", "advance"), default="flow", help="time flows, or moves only when advanced")
    add("--scale", type=_scale, metavar="N", help="service seconds per wall second of a flowing clock (1)")
    add("--seed", type=int, default=default.seed, help="seed of the random generators (%(default)s)")
    add("--account", type=_account, default=default.account, help="account of unsigned requests (%(default)s)")
    add("--region", type=_region, default=default.region, help="region of unsigned requests (%(default)s)")
    add(
        "--secret",
        type=_secret,
        help=f"secret of every account's root key ({default.secret}; a random one unless --host is a loopback address)",
    )
    add(
        "--throttle",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="throttle calls and questions beyond documented rates",
    )
    add("--signatures", action=argparse.BooleanOptionalAction, default=True, help="verify signatures")
    add("--probe-loopback", action="store_true", help="health checks probe loopback addresses (and nothing else)")
    add(
        "--profile",
        choices=tuple(PROFILES),
        default="unused",
        help="an unused account, or one as unforgiving as a staging account of AWS that others use too (unused)",
    )
    add("--delays", choices=tuple(DELAYS), default="short", help="how long tasks take: short, or as on Fargate (short)")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="change a delay or a quota; see below")
    add(
        "--edits",
        type=_edits,
        metavar="FILE",
        help="more mutations, as edits of the source (surveyor_emulator.mutations.edits); before --mutation",
    )
    add(
        "--mutation",
        type=_mutation,
        metavar="NAME",
        help="break one documented behaviour (surveyor_emulator.mutations)",
    )
    add(
        "--sandbox",
        action="store_true",
        help="of `surveyor emulator`: tasks have addresses of their subnets, which only a sandbox reaches",
    )
    add("--outside", type=int, metavar="FD", help="listen at this socket too, which the parent opened (HTTP)")
    add("--die-with-parent", action="store_true", help="stop when the process that started this one ends (Linux)")
    return parser


def _settings_help() -> list[str]:
    """Return a line for each setting that --set changes: name, default with its unit, meaning."""
    rows = []
    for prefix, owner, default in (("", Settings, Settings()), (QUOTAS, Quotas, Quotas())):
        for entry in fields(owner):
            if prefix + entry.name in _NAMED:
                continue
            value = getattr(default, entry.name)
            text = f"{value.minimum:g}:{value.maximum:g} s" if isinstance(value, Delay) else _format_value(value)
            choices = _CHOICES.get(str(entry.type))
            allowed = f"; one of {', '.join(choices)}" if choices else ""
            unit = f" {entry.metadata['unit']}" if entry.metadata["unit"] else ""
            rows.append((prefix + entry.name, text + unit, entry.metadata["meaning"] + allowed))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = (f"  {name:<{widths[0]}}  {text:<{widths[1]}}  {meaning}" for name, text, meaning in rows)
    return [
        "settings of --set and their defaults; s: service seconds, where two are shown N or MINIMUM:MAXIMUM",
        *lines,
    ]


def _format_value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _settable() -> list[str]:
    return [field.name for field in fields(Settings) if field.name not in _NAMED] + [
        QUOTAS + field.name for field in fields(Quotas)
    ]


def apply_setting(settings: Settings, text: str) -> Settings:
    """Return the settings with one change, ``NAME=VALUE``; raise ValueError with the reason if it is invalid."""
    name, equals, value = text.partition("=")
    if not equals or name not in _settable():
        raise ValueError("expected NAME=VALUE with a name that --help lists")
    if not name.startswith(QUOTAS):
        return replace(settings, **_parse_value(Settings, name, value))
    quotas = replace(settings.quotas, **_parse_value(Quotas, name.removeprefix(QUOTAS), value))
    return replace(settings, quotas=quotas)


def _parse_value(owner: type[Settings | Quotas], name: str, value: str) -> dict[str, Any]:
    kind = {field.name: str(field.type) for field in fields(owner)}[name]
    if kind == "Delay":
        minimum, _, maximum = value.partition(":")
        delay = Delay(_amount(minimum), _amount(maximum or minimum))
        if delay.minimum > delay.maximum:
            raise ValueError("MINIMUM must not be greater than MAXIMUM")
        return {name: delay}
    if value == "none" and kind.endswith("None"):
        return {name: None}
    choices = _CHOICES.get(kind.partition(" ")[0])
    if choices is not None:
        if value not in choices:
            raise ValueError(f"expected {'none, ' if kind.endswith('None') else ''}{', '.join(choices)}")
        return {name: value}
    return {name: int(value) if kind == "int" else _amount(value)}


def _amount(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or number < 0:
        raise ValueError("expected a number of 0 or more")
    return number


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {port}")
    return port


def _scale(text: str) -> float:
    scale = float(text)
    if not math.isfinite(scale) or scale <= 0:
        raise argparse.ArgumentTypeError(f"expected a number greater than 0, got {text}")
    return scale


def _account(text: str) -> str:
    if not is_account(text):
        raise argparse.ArgumentTypeError(f"expected 12 digits, got {text!r}")
    return text


def _region(text: str) -> str:
    if not is_region(text):
        raise argparse.ArgumentTypeError(f"expected a Region of AWS such as us-east-1, got {text!r}")
    return text


def _host(text: str) -> str:
    if not text or not text.isascii() or any(character.isspace() or character in "/@," for character in text):
        raise argparse.ArgumentTypeError(f"expected an address or a name, got {text!r}")
    return text.strip("[]")


def _mutation(text: str) -> str:
    from surveyor_emulator.mutations import check_mutation  # loads all that mutations patch

    try:
        return check_mutation(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _edits(text: str) -> Path:
    from surveyor_emulator.mutations import load_edits

    try:
        load_edits(Path(text))
    except (OSError, ValueError, KeyError) as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from None
    return Path(text)


def _secret(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("expected a secret, got an empty text")
    return text
