"""boto3 clients for a target: without validation, retries or settings of the environment; each call is recorded.

One botocore session keeps the parsed service models, so that a client for the account of a test costs 2 ms.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as SESSION_VARIABLES
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError
from botocore.session import Session

from surveyor import timeouts
from surveyor.account.budget import Spending
from surveyor.account.ledger import Ledger
from surveyor.account.tags import add_run_tag
from surveyor.errors import NotOffered, TargetUnavailable
from surveyor.evidence import Evidence
from surveyor.response import ResponseWrapper
from surveyor.secret_values import SHORTEST_KEY, note_request, register
from surveyor.targets.model import Target
from surveyor.unsupported import declined, is_html

__all__ = ["Clients", "wrap_responses"]


class ProcessLog(Protocol):
    """The output of the target's process, if it was started here."""

    def log_size(self) -> int:
        """Return the number of bytes so far."""

    def log_since(self, offset: int) -> str:
        """Return the text after `offset` bytes."""


_ClientKey = tuple[str, str, str | None]
"""Service, region and endpoint."""


@dataclass(eq=False)
class _PooledClient:
    """A client with the account and the credentials of the test that uses it now; None: those of the session."""

    client: Any
    account: str = ""
    credentials: Credentials | None = None


_NO_SUCH_OPERATION = (404, 405, 501)
"""Statuses with which a web server says that it does not know a path or a method."""

_SILENT_CALLS = 3
"""After how many calls in a row without any answer a target counts as gone."""


class Clients:
    """Create clients for one endpoint, and record every call that they make.

    Raises TargetUnavailable if the credentials come from the environment or a profile, and there are none.
    """

    def __init__(
        self,
        target: Target,
        endpoint: str | None,
        evidence: Evidence,
        ledger: Ledger | None = None,
        log: ProcessLog | None = None,
        spending: Spending | None = None,
        read_timeout: float | None = None,
    ) -> None:
        self._target = target
        self._endpoint = endpoint
        self._evidence = evidence
        self._ledger = ledger
        self._log = log
        self._spending = spending or Spending(target.budget)
        self._session = _session(target)
        self._session.register("creating-client-class", wrap_responses)
        if target.credentials.kind != "per-test":
            self._session.register("before-send", partial(_note_secrets, self._session))
        self._config = _config(target, read_timeout)
        self._idle: dict[_ClientKey, list[_PooledClient]] = {}
        self._unanswered = self._status = 0
        self._in_use: list[tuple[_ClientKey, _PooledClient]] = []

    def client(
        self,
        service: str,
        account: str,
        region: str | None = None,
        session: Credentials | None = None,
        endpoint: str | None = None,
    ) -> Any:
        """Return a client of `service` (botocore's name) that calls as `account`, whose number is its access key id.

        On targets without accounts per test the credentials come from the environment or a profile, and `account`
        is not used. `session` and `endpoint` replace the credentials and the endpoint.
        """
        key = (service, region or self._target.region, endpoint or self._endpoint)
        idle = self._idle.setdefault(key, [])
        pooled = idle.pop() if idle else self._create(*key)
        pooled.account = account
        pooled.credentials = session or self._test_credentials(account)
        self._in_use.append((key, pooled))
        return pooled.client

    def silence(self) -> str | None:
        """Return that the target has stopped answering, if no answer arrived to the last calls; None otherwise."""
        if self._unanswered < _SILENT_CALLS:
            return None
        return f"{self._target.name} answered none of the last {self._unanswered} calls"

    def recycle(self) -> None:
        """Let later tests reuse the clients of the test that has ended.

        A new client costs 10 to 15 ms and a connection, which is as much as ten calls to a local target.
        """
        for key, pooled in self._in_use:
            self._idle[key].append(pooled)
        self._in_use.clear()

    def _create(self, service: str, region: str, endpoint: str | None) -> _PooledClient:
        # Any keys will do where each call is signed with those of its test.
        keys = ("test", "test") if self._target.credentials.kind == "per-test" else (None, None)
        client = self._session.create_client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            config=self._config,
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
        )
        pooled = _PooledClient(client)
        self._listen(pooled)
        return pooled

    def patient(self, service: str, region: str) -> Any:
        """Return a client of the account that retries when it is throttled; its calls are counted, not recorded."""
        credentials = self._test_credentials(self._target.account or "")
        client = self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self._endpoint,
            config=self._config.merge(Config(retries={"mode": "standard", "total_max_attempts": 8})),
            aws_access_key_id=credentials.access_key if credentials else None,
            aws_secret_access_key=credentials.secret_key if credentials else None,
        )
        cleaning = self._spending.cleanup

        def count(model: Any, **_: object) -> None:
            cleaning[f"{service}:{model.name}"] += 1

        client.meta.events.register("before-call", count)
        return client

    def credentials(self, account: str) -> Credentials:
        """Return the credentials of `account`, for requests that no client sends."""
        found = self._test_credentials(account) or self._session.get_credentials()
        assert found is not None, "a session without credentials is refused when it is created"
        return found

    def count_call(self, service: str, operation: str) -> None:
        """Count a call that no client sends."""
        self._spending.count_call(service, operation)

    def _test_credentials(self, account: str) -> Credentials | None:
        """Return the credentials of a test's account; None if they come from the environment or a profile."""
        if self._target.credentials.kind == "per-test":
            return Credentials(account, self._target.credentials.secret)
        return None

    def _listen(self, pooled: _PooledClient) -> None:
        client = pooled.client
        service, region = client.meta.service_model.service_name, client.meta.region_name
        events = client.meta.events
        header = self._target.credentials.header

        def before(params: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
            if header:
                params["headers"][header] = pooled.account
            if pooled.credentials is not None:
                context.setdefault("signing", {})["request_credentials"] = pooled.credentials
            params_sent = context.get("surveyor_params", {})
            context["surveyor_started"] = time.perf_counter()
            context["surveyor_log"] = self._log.log_size() if self._log else 0
            self._spending.count_call(service, model.name)
            if self._ledger is not None:
                context["surveyor_number"] = self._ledger.record_intent(service, model.name, params_sent, region)

        def add_marks(params: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> dict[str, Any]:
            if self._ledger is not None:
                params = add_run_tag(service, model.name, params, self._ledger.owner.run) or params
            context["surveyor_params"] = params
            return params

        def after(http_response: Any, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
            self._answered(service, model.name, http_response, parsed, context)

        def failed(exception: Exception, context: dict[str, Any], event_name: str, **_: object) -> None:
            self._failed(service, event_name.rsplit(".", 1)[-1], exception, context)

        def received(response_dict: dict[str, Any], **_: object) -> None:
            self._status = int(response_dict["status_code"])

        events.register("before-parse", received)
        events.register("provide-client-params", add_marks)
        events.register("before-call", before)
        events.register("after-call", after)
        events.register("after-call-error", failed)

    def _answered(
        self, service: str, operation: str, http: Any, parsed: dict[str, Any], context: dict[str, Any]
    ) -> None:
        refused = http.status_code >= 300
        self._unanswered = 0
        params_sent = context.get("surveyor_params", {})
        error = _error(parsed) if refused else None
        self._evidence.call(
            service,
            operation,
            params_sent,
            context["surveyor_started"],
            status=http.status_code,
            response=parsed,
            error=error,
        )
        self._note(service, operation, params_sent, None if refused else parsed, context)
        if not refused and is_html({}, http.content):  # botocore's JSON parsers take it for an answer without members
            raise ResponseParserError(f"the answer to {operation} is a web page: {http.content[:80]!r}")
        if refused:
            log = self._log_since(context) if http.status_code == 500 else ""
            answer = declined(http.status_code, http.headers, http.content, parsed.get("Error"), log)
            if not answer and is_html(http.headers, http.content) and self._is_declared_lacking(service, operation):
                answer = f"a web page with HTTP {http.status_code}"
            if answer:
                raise NotOffered(service, operation, answer)

    def _failed(self, service: str, operation: str, exception: Exception, context: dict[str, Any]) -> None:
        """Record a missing answer, or one that cannot be parsed: moto's web pages make botocore's XML parsers fail."""
        params_sent = context.get("surveyor_params", {})
        error = {"Code": type(exception).__name__, "Message": str(exception)}
        self._evidence.call(
            service, operation, params_sent, context.get("surveyor_started", time.perf_counter()), error=error
        )
        if isinstance(exception, (ClientError, HTTPClientError)):
            self._unanswered += not isinstance(exception, ClientError)
            return
        self._unanswered = 0
        is_page = "<!doctype html" in str(exception).lower()
        lacking = self._is_declared_lacking(service, operation)
        if is_page and (lacking or "NotImplementedError" in self._log_since(context)):
            raise NotOffered(service, operation, "a web page" if lacking else "a web page after NotImplementedError")
        if self._status in _NO_SUCH_OPERATION:
            raise NotOffered(service, operation, f"HTTP {self._status} without an answer of the API")
        if _is_from_parser(exception):  # for example a text where the model has a list
            cause = f"{type(exception).__name__} {exception}"
            raise ResponseParserError(f"the answer to {operation} does not have the documented shape: {cause}")

    def _is_declared_lacking(self, service: str, operation: str) -> bool:
        """Return whether the target file says so. The log may not say it yet when the answer arrives."""
        return f"{service}:{operation}" in self._target.lacks

    def _log_since(self, context: dict[str, Any]) -> str:
        return self._log.log_since(context.get("surveyor_log", 0)) if self._log else ""

    def _note(
        self,
        service: str,
        operation: str,
        params_sent: Mapping[str, Any],
        parsed: Mapping[str, Any] | None,
        context: dict[str, Any],
    ) -> None:
        if self._ledger is None:
            return
        number = context.get("surveyor_number")
        if number is not None:
            self._ledger.record_result(number, f"{service}:{operation}", parsed)
        elif parsed is not None:
            self._ledger.record_deleted(service, operation, params_sent)


def _is_from_parser(exception: Exception) -> bool:
    """Return whether botocore's parser broke over an answer, other than by an error that it has for the purpose."""
    frames = traceback.extract_tb(exception.__traceback__)
    return not isinstance(exception, BotoCoreError) and bool(frames) and frames[-1].filename.endswith("parsers.py")


def _error(parsed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the error of an answer with all its members."""
    return {key: value for key, value in parsed.items() if key not in ("ResponseMetadata", "Error")} | dict(
        parsed.get("Error", {})
    )


def _note_secrets(session: Session, request: Any, **_: object) -> None:
    """Note what a request carries of the credentials, and the others too when they are new: they are renewed."""
    credentials = session.get_credentials()
    if note_request(request.headers) and credentials is not None:
        register(*credentials.get_frozen_credentials(), shortest=SHORTEST_KEY)


def wrap_responses(**event: Any) -> None:
    """Handle botocore's `creating-client-class`: responses of the client name a member that is missing."""
    event["base_classes"].insert(0, ResponseWrapper)


def _config(target: Target, read_timeout: float | None) -> Config:
    config = Config(  # type: ignore[call-arg]  # the stubs do not know ignore_configured_endpoint_urls
        parameter_validation=False,
        retries={"total_max_attempts": 1},
        inject_host_prefix=target.inject_host_prefix,
        ignore_configured_endpoint_urls=True,
        connect_timeout=timeouts.CONNECT if target.is_local else timeouts.REMOTE_ANSWER,
        read_timeout=read_timeout or (timeouts.LOCAL_ANSWER if target.is_local else timeouts.REMOTE_ANSWER),
    )
    return config.merge(Config(proxies={})) if target.is_local else config


def _session(target: Target) -> Session:
    """Return a session that reads nothing from the environment, except for credentials where they come from there."""
    if target.credentials.kind == "per-test":
        # Without names of variables and files, neither AWS_PROFILE nor ~/.aws can redirect a run.
        without_names = {name: (None, None, default, cast) for name, (_, _, default, cast) in SESSION_VARIABLES.items()}
        session = Session(session_vars=without_names)
        session.set_config_variable("config_file", "/dev/null")
        session.set_config_variable("credentials_file", "/dev/null")
        return session
    try:
        session = Session(profile=target.credentials.profile)
        found = session.get_credentials()
    except BotoCoreError as error:
        raise TargetUnavailable(f"no credentials for {target.name}: {error}") from None
    if found is None:
        raise TargetUnavailable(f"no credentials for {target.name}: neither in the environment nor in a profile")
    register(*found.get_frozen_credentials(), shortest=SHORTEST_KEY)
    return session
