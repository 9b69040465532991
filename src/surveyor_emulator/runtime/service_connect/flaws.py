"""A configuration made wrong on purpose in one way, to prove that the suites notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["spoiled"]

Json = dict[str, Any]


def spoiled(document: Json, flaw: str | None) -> Json:
    """The document, wrong as told; as it is where the flaw lies elsewhere."""
    spoil = _FLAWS.get(flaw or "")
    if spoil is not None:
        for one in _everything(document):
            spoil(one)
    return document


def _everything(of: object) -> Iterator[Json]:
    if isinstance(of, dict):
        yield of
        for value in list(of.values()):
            yield from _everything(value)
    elif isinstance(of, list):
        for value in of:
            yield from _everything(value)


def _picks_at_random(one: Json) -> None:
    if "lb_policy" in one:
        one["lb_policy"] = "RANDOM"


def _never_ejects(one: Json) -> None:
    one.pop("outlier_detection", None)


def _never_retries(one: Json) -> None:
    one.pop("retry_policy", None)
    one.pop("max_connect_attempts", None)


def _never_times_out(one: Json) -> None:
    if "retry_policy" in one:
        one["timeout"] = "0s"


def _never_idle(one: Json) -> None:
    if "idle_timeout" in one:
        one["idle_timeout"] = "0s"


def _accepts_http_1_0(one: Json) -> None:
    if "http_filters" in one:
        one["http_protocol_options"] = {"accept_http_10": True, "default_host_for_http_10": "localhost"}


def _old_tls(one: Json) -> None:
    if "tls_minimum_protocol_version" in one:
        one["tls_minimum_protocol_version"] = "TLSv1_2"


def _logs_query_parameters(one: Json) -> None:
    if one.get("path") == "%PATH(NQ)%":
        one["path"] = "%REQ(:PATH)%"


_FLAWS: Mapping[str, Callable[[Json], None]] = {
    "picks-at-random": _picks_at_random,
    "never-ejects": _never_ejects,
    "never-retries": _never_retries,
    "never-times-out": _never_times_out,
    "never-idle": _never_idle,
    "accepts-http-1.0": _accepts_http_1_0,
    "old-tls": _old_tls,
    "logs-query-parameters": _logs_query_parameters,
}
