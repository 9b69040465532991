"""Probes of features: a declared feature that is absent is a failure; without declarations, what answers is present."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from surveyor.account.naming import NO_ID
from surveyor.errors import NoAnswer, NotOffered, SurveyorError, TargetUnavailable, WrongAnswer
from surveyor.targets.answers import describe_missing
from surveyor.targets.clients import Clients
from surveyor.targets.control import Control
from surveyor.targets.model import Target
from surveyor.targets.transport import AnswerTooLarge

__all__ = ["PROBING_ACCOUNT", "Features", "ProbeBroken", "offers_operation", "only_account", "probe"]

FIRST = "cloudmap"
"""The feature without which nothing can be tested."""

_NOT_IMPLEMENTED = "501"

_TRIES = 2
"""How often a probe is made after which the target stays silent, if it has answered another."""

PROBING_ACCOUNT = "000000000001"
"""The account of the calls that probe a target with an account for each test."""


@dataclass(frozen=True)
class Features:
    """What probes found: the features that the target has, and with the reason those that it declares but lacks.

    `broken`: features whose probe got no answer of an API, so that it is not known whether they exist.
    `account`: the account of all callers, if a target without declarations has only one, else "".
    """

    present: frozenset[str]
    absent: tuple[tuple[str, str], ...] = ()
    broken: tuple[tuple[str, str], ...] = ()
    account: str = ""


def probe(target: Target, clients: Clients, control: Control | None, needed: Collection[str] | None = None) -> Features:
    """Return the features of a target. Raises TargetUnavailable if Cloud Map does not answer as an API.

    Features that no harmless call can show (quotas, throttling, health, …) are trusted if declared, and so are those
    that are not among `needed`, if it is given; a target without declarations does not have them.
    """
    found: set[str] = set()
    absent: list[tuple[str, str]] = []
    broken: list[tuple[str, str]] = []
    silent, lacking = "", set[str]()
    for feature, missing in _probes(target, clients, control).items():
        if target.features is not None and feature not in target.features:
            continue
        if target.features is not None and needed is not None and feature not in {FIRST, *needed}:
            continue
        if silent:
            broken.append((feature, f"not asked, since {silent}"))
            continue
        try:
            why = _answer(missing, tries=_TRIES if found else 1)
        except MachineLacks:
            lacking.add(feature)
            continue
        except ProbeBroken as error:
            if feature == FIRST:
                raise TargetUnavailable(f"{target.name} cannot be tested: {error}") from None
            silent = str(error) if error.is_silent else ""
            broken.append((feature, str(error)))
            continue
        if not why:
            found.add(feature)
        elif target.features is not None:
            absent.append((feature, why))
    unprobed = (target.features or frozenset()) - {name for name, _ in (*absent, *broken)} - lacking
    account = only_account(clients) if target.features is None and not target.is_one_account and not silent else ""
    return Features(frozenset(found | unprobed), tuple(absent), tuple(broken), account)


def only_account(clients: Clients) -> str:
    """Return the account of a caller whose key is the id of another account; "" if it is that other account.

    An emulator with a single account, such as moto by default, answers each key with it. A target that does not say
    whose a key is has an account for each.
    """
    try:
        found = str(clients.client("sts", PROBING_ACCOUNT).get_caller_identity().get("Account"))
    except (NotOffered, NoAnswer, ClientError, BotoCoreError, ResponseParserError):
        return ""
    return found if found != PROBING_ACCOUNT and re.fullmatch(r"[0-9]{12}", found) else ""


def _answer(missing: Callable[[], str], tries: int) -> str:
    """Return the answer of a probe. Repeat it after silence: some targets load a service at its first call."""
    for _ in range(1, tries):
        try:
            return missing()
        except ProbeBroken as error:
            if not error.is_silent:
                raise
    return missing()


class MachineLacks(Exception):
    """The machine of a target keeps it from having a feature that it declares."""


class ProbeBroken(SurveyorError):
    """A probe got no answer of an API. `is_silent`: it got none at all in time."""

    def __init__(self, text: str, *, is_silent: bool = False) -> None:
        super().__init__(text)
        self.is_silent = is_silent


def _probes(target: Target, clients: Clients, control: Control | None) -> dict[str, Callable[[], str]]:
    def offers(service: str, operation: str, **params: object) -> Callable[[], str]:
        return lambda: offers_operation(clients.client(service, PROBING_ACCOUNT), operation, params)

    def controls(request: Callable[[Control], object]) -> Callable[[], str]:
        return lambda: _controls(control, request)

    probes = {
        "cloudmap": offers("servicediscovery", "list_namespaces"),
        "route53": offers("route53", "list_hosted_zones"),
        "ec2": offers("ec2", "describe_vpcs"),
        "custom-health": offers(
            "servicediscovery", "update_instance_custom_health_status",
            ServiceId=f"srv-{NO_ID}", InstanceId="probe", Status="HEALTHY",
        ),
        "clock-control": controls(_advances),
    }  # fmt: skip
    if target.is_one_account and target.features is not None:
        del probes["custom-health"]  # a change: not every role that runs something there may make one
    if control is not None:
        if target.from_vpc is None:  # tasks are probed then, and not this machine
            probes["health"] = controls(_probes_loopback)
        probes["network-faults"] = controls(_filters_packets)
        probes["task-signals"] = controls(lambda control: control.signals())
    if target.dns.kind == "control":
        probes["dns"] = probes["public-dns"] = controls(lambda control: control.name_servers())
    elif target.dns.kind == "none":
        probes["dns"] = probes["public-dns"] = lambda: "its target file names no DNS server"
    return probes


def offers_operation(client: Any, operation: str, params: Mapping[str, object]) -> str:
    """Return why a target does not have an operation; "" if it does. `operation`: the name of the client's method.

    Raises ProbeBroken if there was no answer of an API: a reset, a timeout, a web page, a redirect, a status of 500
    or more without an error code. It does not show whether there is such an operation.
    """
    name = f"{client.meta.service_model.service_name}:{client.meta.method_to_api_mapping[operation]}"
    try:
        getattr(client, operation)(**params)
    except NotOffered as error:
        return f"{error.operation} is not offered ({error.answer})"
    except ClientError as error:
        # Any error of the API shows that the operation exists; a bare number comes from a web server.
        code = str(error.response.get("Error", {}).get("Code", ""))
        if not code.isdecimal():
            return ""
        if code.startswith("4") or code == _NOT_IMPLEMENTED:
            return f"{name} answered HTTP {code}"
        raise ProbeBroken(f"{name} answered HTTP {code}") from None
    except (BotoCoreError, ResponseParserError) as error:
        is_page = "<html" in str(error).lower() or "<!doctype html" in str(error).lower()
        text = "a web page" if is_page else describe_missing(error).removeprefix(f"{name} ")
        silent = isinstance(error, (ReadTimeoutError, ConnectTimeoutError, AnswerTooLarge))
        raise ProbeBroken(f"{name}: {text}", is_silent=silent) from None
    except WrongAnswer as error:
        raise ProbeBroken(str(error)) from None
    return ""


def _probes_loopback(control: Control) -> None:
    if not control.settings().get("probe_loopback"):
        raise TargetUnavailable("it was started without --probe-loopback")


def _filters_packets(control: Control) -> None:
    """Ask whether the kernel lets the target filter packets: some let ordinary users do so only in a sandbox."""
    if control.settings().get("packet_filters") is False:
        raise MachineLacks


def _advances(control: Control) -> None:
    if control.scale() is not None:
        raise TargetUnavailable("its clock flows by itself")
    control.advance(0)


def _controls(control: Control | None, request: Callable[[Control], object]) -> str:
    if control is None:
        return "there is no control endpoint"
    try:
        request(control)
    except SurveyorError as error:
        return str(error)
    return ""
