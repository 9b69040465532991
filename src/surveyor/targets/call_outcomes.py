"""What became of the calls of tests: each is recorded, and an answer that is no answer of the API is named as such."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.exceptions import ClientError, HTTPClientError
from botocore.model import OperationModel

from surveyor.account.ledger import Ledger
from surveyor.account.refusals import require_available
from surveyor.errors import NotOffered
from surveyor.evidence import Evidence
from surveyor.targets.answers import (
    BrokenAnswer,
    check_answer,
    check_types,
    describe_broken,
    describe_missing,
    flatten_error,
)
from surveyor.targets.liveness import Liveness
from surveyor.targets.model import Target
from surveyor.targets.transport import AnswerTooLarge
from surveyor.unsupported import declined, is_html

__all__ = ["CallOutcomes", "ProcessLog"]


class ProcessLog(Protocol):
    """The output of the target's process, if it was started here."""

    def log_size(self) -> int:
        """Return the number of bytes so far."""

    def log_since(self, offset: int) -> str:
        """Return the text after `offset` bytes."""


class _Received(threading.local):
    """Status and body of the answer that this thread got last; 0 while it waits for one."""

    status = 0
    body: object = b""


_NO_SUCH_OPERATION = (404, 405, 501)
"""Statuses with which a web server says that it does not know a path or a method."""


@dataclass
class CallOutcomes:
    """Records the calls of one endpoint. `log`: the output of the target's process."""

    target: Target
    evidence: Evidence
    ledger: Ledger | None
    log: ProcessLog | None
    liveness: Liveness
    _received: _Received = field(default_factory=_Received)

    def sending(self, context: dict[str, Any]) -> None:
        """Note that a call is sent now."""
        self._received.status, self._received.body = 0, b""
        context["surveyor_started"] = time.perf_counter()
        context["surveyor_log"] = self.log.log_size() if self.log else 0

    def received(self, response_dict: dict[str, Any], operation_model: OperationModel, **_: object) -> None:
        """Check an answer before it is parsed. Raises BrokenAnswer."""
        self._received.status, self._received.body = int(response_dict["status_code"]), response_dict["body"]
        check_answer(operation_model, self._received.status, self._received.body)

    def answered(
        self,
        service: str,
        model: OperationModel,
        http: Any,
        parsed: dict[str, Any],
        context: dict[str, Any],
        *,
        in_account: bool,
    ) -> None:
        """Record an answer. Raises BrokenAnswer and NotOffered; `in_account`: also Unavailable."""
        operation = model.name
        refused = http.status_code >= 300
        if refused and (undo := context.get("surveyor_undo")):
            undo()
        flatten_error(parsed)
        self.liveness.answered(f"{service}:{operation}", time.perf_counter() - context["surveyor_started"])
        params_sent = context.get("surveyor_params", {})
        error = _error(parsed) if refused else None
        self.evidence.call(
            service,
            operation,
            params_sent,
            context["surveyor_started"],
            status=http.status_code,
            response=parsed,
            error=error,
        )
        self._note(service, operation, params_sent, None if refused else parsed, context)
        if not refused:
            self._check_parsed(model, http, parsed)
        else:
            log = self._log_since(context) if http.status_code == 500 else ""
            answer = declined(http.status_code, http.headers, http.content, parsed.get("Error"), log)
            if not answer and is_html(http.headers, http.content) and self._is_declared_lacking(service, operation):
                answer = f"a web page with HTTP {http.status_code}"
            if answer:
                raise NotOffered(service, operation, answer)
            self.liveness.readable()
            if in_account:
                repeated = context.get("retries", {}).get("attempt", 1) > 1
                require_available(f"{service}:{operation}", parsed, http.status_code, repeated=repeated)

    def failed(self, service: str, operation: str, exception: Exception, context: dict[str, Any]) -> None:
        """Record a missing answer, or one that cannot be parsed: moto's web pages make botocore's XML parsers fail."""
        params_sent = context.get("surveyor_params", {})
        started, name = context.get("surveyor_started", time.perf_counter()), f"{service}:{operation}"
        broken = self._broken(name, exception)
        error = {"Code": type(broken).__name__, "Message": str(broken)}
        self.evidence.call(service, operation, params_sent, started, error=error)
        if isinstance(exception, ClientError):
            return
        if isinstance(exception, HTTPClientError):
            self.liveness.unanswered(name, describe_missing(broken))
            if broken is not exception:
                raise broken
            return
        self.liveness.answered(name, time.perf_counter() - started)
        is_page = "<!doctype html" in str(exception).lower()
        lacking = self._is_declared_lacking(service, operation)
        if is_page and (lacking or "NotImplementedError" in self._log_since(context)):
            raise NotOffered(service, operation, "a web page" if lacking else "a web page after NotImplementedError")
        if self._received.status in _NO_SUCH_OPERATION:
            raise NotOffered(service, operation, f"HTTP {self._received.status} without an answer of the API")
        if isinstance(broken, BrokenAnswer):
            self.liveness.unreadable(str(broken))
        if broken is not exception:
            raise broken

    def _check_parsed(self, model: OperationModel, http: Any, parsed: Mapping[str, Any]) -> None:
        """Raise BrokenAnswer for an answer that is parsed, and is none of the API."""
        try:
            if is_html({}, http.content):  # botocore's JSON parsers take it for an answer without members
                name = f"{model.service_model.service_name}:{model.name}"
                raise BrokenAnswer(f"{name} answered with a web page: {http.content[:80]!r}")
            check_types(model, parsed)
        except BrokenAnswer as broken:
            self.liveness.unreadable(str(broken))
            raise
        self.liveness.readable()

    def _broken(self, operation: str, exception: Exception) -> Exception:
        """Return the error in words of the API if botocore broke over an answer, or found it too large."""
        if isinstance(exception, HTTPClientError):
            inner = exception.kwargs.get("error")
            return inner if isinstance(inner, AnswerTooLarge) else exception
        if isinstance(exception, (ClientError, BrokenAnswer)) or not self._received.status:
            return exception
        return BrokenAnswer(describe_broken(operation, self._received.body, exception))

    def _is_declared_lacking(self, service: str, operation: str) -> bool:
        """Return whether the target file says so. The log may not say it yet when the answer arrives."""
        return f"{service}:{operation}" in self.target.lacks

    def _log_since(self, context: dict[str, Any]) -> str:
        return self.log.log_since(context.get("surveyor_log", 0)) if self.log else ""

    def _note(
        self,
        service: str,
        operation: str,
        params_sent: Mapping[str, Any],
        parsed: Mapping[str, Any] | None,
        context: dict[str, Any],
    ) -> None:
        if self.ledger is None:
            return
        number = context.get("surveyor_number")
        if number is not None:
            self.ledger.record_result(number, f"{service}:{operation}", parsed)
        elif parsed is not None:
            self.ledger.record_deleted(service, operation, params_sent)


def _error(parsed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the error of an answer with all its members."""
    return {key: value for key, value in parsed.items() if key not in ("ResponseMetadata", "Error")} | dict(
        parsed.get("Error", {})
    )
