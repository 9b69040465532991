"""The command line of the embedded target: what can be set about it, read into frozen values.

argparse, since anything richer would cost a good part of the start-up time.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NoReturn, get_args

from surveyor_emulator.core.identifiers import is_account, is_region
from surveyor_emulator.core.settings import ConnectFlaw, Delay, Deregistration, EcsFlaw, IamFlaw, Quotas, Settings

__all__ = ["Options", "parse", "with_setting"]

QUOTAS = "quotas."
# These have options of their own.
_NAMED = frozenset({"seed", "secret", "account", "region", "scale", "quotas", "verify_signatures", "probe_loopback"})
_CHOICES = {
    kind: get_args(choices)
    for kind, choices in {
        "ConnectFlaw": ConnectFlaw,
        "Deregistration": Deregistration,
        "EcsFlaw": EcsFlaw,
        "IamFlaw": IamFlaw,
    }.items()
}


@dataclass(frozen=True, slots=True)
class Options:
    """Where to listen, and everything else in ``settings``."""

    settings: Settings
    host: str
    port: int
    dns_port: int
    die_with_parent: bool


class _Parser(argparse.ArgumentParser):
    """One line for a mistake, not the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help lists all options)\n")


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line; SystemExit with status 2 and one line on stderr when it is wrong."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.scale is not None and given.clock == "advance":
        parser.error("--scale goes with --clock flow; an advanced clock stands still")
    settings = Settings(
        seed=given.seed,
        secret=given.secret,
        account=given.account,
        region=given.region,
        scale=None if given.clock == "advance" else given.scale or 1.0,
        verify_signatures=given.signatures,
        probe_loopback=given.probe_loopback,
    )
    if not given.throttle:
        settings = replace(settings, quotas=replace(settings.quotas, discover_rate=None, revision_rate=None))
    for text in given.set:
        try:
            settings = with_setting(settings, text)
        except ValueError as problem:
            parser.error(f"--set {text}: {problem}")
    return Options(settings, given.host, given.port, given.dns_port, given.die_with_parent)


def _parser() -> argparse.ArgumentParser:
    default = Settings()
    parser = _Parser(
        prog="python -m surveyor_emulator",
        description="The embedded target. It prints one line of JSON when it is ready: endpoint, dns, secret, pid.",
        epilog=f"--set takes {', '.join(_settable())}. A delay is one number of service seconds or LEAST:MOST.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    add("--port", type=_port, default=0, help="HTTP port; 0 picks a free one (%(default)s)")
    add("--dns-port", type=_port, default=0, help="DNS port, UDP and TCP; 0 picks a free one (%(default)s)")
    add("--clock", choices=("flow", "advance"), default="flow", help="time flows, or moves only when advanced")
    add("--scale", type=_scale, metavar="N", help="service seconds per wall second of a flowing clock (1)")
    add("--seed", type=int, default=default.seed, help="seed of everything random (%(default)s)")
    add("--account", type=_account, default=default.account, help="account of unsigned requests (%(default)s)")
    add("--region", type=_region, default=default.region, help="region of unsigned requests (%(default)s)")
    add("--secret", type=_word, default=default.secret, help="secret of every account's root key (%(default)s)")
    add("--throttle", action=argparse.BooleanOptionalAction, default=True, help="refuse calls beyond documented rates")
    add("--signatures", action=argparse.BooleanOptionalAction, default=True, help="verify signatures")
    add("--probe-loopback", action="store_true", help="health checks probe loopback addresses (and nothing else)")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="change a delay or a quota; see below")
    add("--die-with-parent", action="store_true", help="stop when the process that started this one ends (Linux)")
    return parser


def _settable() -> list[str]:
    return [field.name for field in fields(Settings) if field.name not in _NAMED] + [
        QUOTAS + field.name for field in fields(Quotas)
    ]


def with_setting(settings: Settings, text: str) -> Settings:
    """The settings with one change, told as ``NAME=VALUE``; ValueError says what is wrong with it."""
    name, equals, value = text.partition("=")
    if not equals or name not in _settable():
        raise ValueError("expected NAME=VALUE with one of the names that --help lists")
    if not name.startswith(QUOTAS):
        return replace(settings, **_changed(Settings, name, value))
    quotas = replace(settings.quotas, **_changed(Quotas, name.removeprefix(QUOTAS), value))
    return replace(settings, quotas=quotas)


def _changed(of: type[Settings | Quotas], name: str, value: str) -> dict[str, Any]:
    kind = {field.name: str(field.type) for field in fields(of)}[name]
    if kind == "Delay":
        least, _, most = value.partition(":")
        delay = Delay(_amount(least), _amount(most or least))
        if delay.minimum > delay.maximum:
            raise ValueError("LEAST is to be no more than MOST")
        return {name: delay}
    if value == "none" and kind.endswith("None"):
        return {name: None}
    chosen = _CHOICES.get(kind.partition(" ")[0])
    if chosen is not None:
        if value not in chosen:
            raise ValueError(f"expected {'none, ' if kind.endswith('None') else ''}{', '.join(chosen)}")
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
        raise argparse.ArgumentTypeError(f"a port is 0 to 65535, not {port}")
    return port


def _scale(text: str) -> float:
    scale = float(text)
    if not math.isfinite(scale) or scale <= 0:
        raise argparse.ArgumentTypeError(f"a scale is more than 0, not {text}")
    return scale


def _account(text: str) -> str:
    if not is_account(text):
        raise argparse.ArgumentTypeError(f"an account is 12 digits, not {text!r}")
    return text


def _region(text: str) -> str:
    if not is_region(text):
        raise argparse.ArgumentTypeError(f"a region is like us-east-1, not {text!r}")
    return text


def _word(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("the secret may not be empty")
    return text
