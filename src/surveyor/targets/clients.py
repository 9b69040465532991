"""boto3 clients for a target: without validation, retries or settings of the environment; each call is recorded.

One botocore session keeps the parsed service models, so that a client for the account of a test costs 2 ms.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, HTTPClientError
from botocore.model import OperationModel
from botocore.session import Session

from surveyor import timeouts
from surveyor.account.budget import Spending
from surveyor.account.call_rate import SharedRate, calls_route53
from surveyor.account.cloudmap_operations import CloudMapOperations
from surveyor.account.ledger import Ledger
from surveyor.account.ownership import Ownership
from surveyor.account.refusals import DENIED, OWN, describe_refusal, require_available
from surveyor.account.resources import CREATES
from surveyor.account.side_effects import without_side_effects
from surveyor.account.tags import TAG, add_run_tag, add_tags
from surveyor.clock import Clock
from surveyor.errors import NotOffered, TargetUnavailable
from surveyor.evidence import Evidence
from surveyor.response import ResponseWrapper
from surveyor.secret_values import SHORTEST_KEY, note_request, register
from surveyor.targets.answers import (
    BrokenAnswer,
    check_answer,
    check_types,
    describe_broken,
    describe_missing,
    flatten_error,
)
from surveyor.targets.credentials import open_session
from surveyor.targets.guard import guard, ownership_in
from surveyor.targets.liveness import Liveness
from surveyor.targets.model import Target
from surveyor.targets.retries import CLEANUP, repeat_failed_calls
from surveyor.targets.transport import AnswerTooLarge, limit_answers
from surveyor.targets.user_tags import hide_tags
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


class _Received(threading.local):
    """Status and body of the answer that this thread got last; 0 while it waits for one."""

    status = 0
    body: object = b""


_NO_SUCH_OPERATION = (404, 405, 501)
"""Statuses with which a web server says that it does not know a path or a method."""


class Clients:
    """Create clients for one endpoint, and record every call that they make.

    Raises TargetUnavailable if the credentials come from the environment or a profile, and there are none. `own`: the
    credentials of the run; None where each account has its own. `denied`: label and line of the first call of the
    present test that these may not make. `is_test_in_account`: a test of a suite runs in an account that others use, so
    that a call raises Unavailable where a service cannot answer now.
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
        clock: Clock | None = None,
    ) -> None:
        self._target = target
        self._endpoint = endpoint
        self._evidence = evidence
        self._ledger = ledger
        self._log = log
        self._spending = spending or Spending(target.budget)
        run, folder = (ledger.owner.run, ledger.path.parent) if ledger else (None, None)
        self.ownership = ownership_in(target, run, folder)
        self.denied: tuple[str, str] | None = None
        self._session, self.own = open_session(target)
        self._session.register("creating-client-class", wrap_responses)
        if target.is_one_account:
            repeat_failed_calls(self._session, clock.wait if clock else None)
        if target.credentials.kind != "per-test":
            self._session.register("before-send", partial(_note_secrets, self._session))
        self._config = _config(target, read_timeout)
        self.is_test_in_account = False
        self._idle: dict[_ClientKey, list[_PooledClient]] = {}
        self._received = _Received()
        self._liveness = Liveness(target.name, self._config.read_timeout)  # type: ignore[attr-defined]  # an option
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

    def keep_rate(self, route53: SharedRate | None, pass_time: Callable[[], None] | None = None) -> None:
        """Let each request that counts against Route 53's limit wait for its turn; `pass_time` is called for all."""

        def sending(**event: Any) -> None:
            service, operation = event["event_name"].split(".")[1:3]
            self._spending.requests += 1
            if pass_time is not None:
                pass_time()
            if route53 is not None and calls_route53(service, operation):
                route53.take()

        self._session.register("before-send", sending)

    def watch_operations(self, operations: CloudMapOperations, now: Callable[[], float]) -> None:
        """Let `operations` learn from the calls of the clients that are created from now on."""
        operations.watch(self._session, now)

    def permit(self, operations: Iterable[str], *values: str) -> None:
        """Allow operations (`service:Operation`) for resources that the user named, as `Ownership.permit` does."""
        if self.ownership:
            for operation in operations:
                self.ownership.permit(operation, *values)

    def silence(self) -> str | None:
        """Return that the target has stopped answering, if no answer arrived to the last calls; None otherwise."""
        return self.ended() or self._liveness.silence()

    def ended(self) -> str | None:
        """Return that the credentials of the run are not valid any more; None otherwise."""
        return self.own.ended if self.own else None

    def recycle(self) -> None:
        """Let later tests reuse the clients of the test that has ended.

        A new client costs 10 to 15 ms and a connection, which is as much as ten calls to a local target.
        """
        for key, pooled in self._in_use:
            self._idle[key].append(pooled)
        self._in_use.clear()
        self.denied = None

    def note_denied(self, operation: str, answer: Mapping[str, Any]) -> None:
        """Note that a call with the credentials of the run was denied: the test judges nothing by its answer.

        `answer`: as of a ClientError.
        """
        if answer.get("Error", {}).get("Code") in DENIED:
            own = {**answer, "ResponseMetadata": {OWN: True}}
            self.denied = self.denied or describe_refusal(operation, own)

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
        limit_answers(client)
        if self.ownership:
            guard(client, self.ownership)
        pooled = _PooledClient(client)
        self._listen(pooled)
        if hidden := self._hidden_tags(service):
            hide_tags(client, hidden, self._evidence)
        return pooled

    def patient(self, service: str, region: str, ownership: Ownership | None = None) -> Any:
        """Return a client of the account that repeats calls until they succeed; they are counted, not recorded.

        `ownership`: of which run it may delete something, by default that of these clients.
        """
        credentials = self._test_credentials(self._target.account or "")
        repeating = Config(retries={"mode": "standard", "total_max_attempts": 8})
        client = self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self._endpoint,
            config=self._config if self._target.is_one_account else self._config.merge(repeating),
            aws_access_key_id=credentials.access_key if credentials else None,
            aws_secret_access_key=credentials.secret_key if credentials else None,
        )
        limit_answers(client)
        if chosen := ownership or self.ownership:
            guard(client, chosen)
        self._watch(client)
        return client

    def _watch(self, client: Any) -> None:
        """Count the calls of a client that retries; a target that has stopped answering is not tried further."""
        service = client.meta.service_model.service_name

        def requested(params: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
            context[CLEANUP] = True
            self._liveness.sent(service, model.name, params)
            self._spending.count_cleanup(service, model.name, params)

        def sending(**_: object) -> None:
            if self.own:
                self.own.require()
            if why := self._liveness.silence():
                raise TargetUnavailable(why)

        def refused(http_response: Any, parsed: dict[str, Any], **_: object) -> None:
            if http_response.status_code >= 300:
                self.check_refusal(service, parsed.get("Error", {}).get("Code"))

        def tried(exception: Exception | None, event_name: str, **_: object) -> None:
            name = f"{service}:{event_name.rsplit('.', 1)[-1]}"
            if isinstance(exception, HTTPClientError):
                self._liveness.unanswered(name, describe_missing(exception))
            elif exception is None:
                self._liveness.answered(name, 0.0)

        client.meta.events.register("provide-client-params", requested)
        client.meta.events.register("before-send", sending)
        client.meta.events.register("response-received", tried)
        client.meta.events.register("before-parse", _check)
        client.meta.events.register("after-call", refused)
        client.meta.events.register("after-call", _check_parsed)

    def credentials(self, account: str) -> Credentials:
        """Return the credentials of `account`, for requests that no client sends."""
        found = self._test_credentials(account) or self._session.get_credentials()
        assert found is not None, "a session without credentials is refused when it is created"
        return found

    def _hidden_tags(self, service: str) -> dict[str, str]:
        """Return the tags that answers of a service have beside those that tests give."""
        is_tagged = service == "servicediscovery" and self._ledger is not None
        return {**self._target.tags, **({TAG: self._ledger.owner.run} if is_tagged and self._ledger else {})}

    def with_tags(self, service: str, operation: str, params: Mapping[str, Any], caller: str = "") -> dict[str, Any]:
        """Return the parameters of a call with the tag of the run, and with those of the user, if it takes tags.

        `caller`: the account that calls, by default that of the target.
        """
        account = caller or self._target.account or ""
        if self._ledger is not None:
            params = add_run_tag(service, operation, params, self._ledger.owner.run, account) or params
        return dict(add_tags(service, operation, params, self._target.tags, account))

    def begin_raw_call(
        self, service: str, operation: str, params: Mapping[str, Any]
    ) -> Callable[[Mapping[str, Any] | None], None]:
        """Count a call that no client sends, and write its intent if it creates a resource. Raises NotOwned.

        Call the returned function with the answer, or with None if the call was refused.
        """
        if self.ownership:
            self.ownership.check(service, operation, params)
        self._spending.count_call(service, operation)
        name, ledger = f"{service}:{operation}", self._ledger
        number = (
            ledger.record_intent(service, operation, params, self._target.region)
            if ledger is not None and name in CREATES
            else None
        )

        def answered(answer: Mapping[str, Any] | None) -> None:
            if ledger is not None and number is not None:
                ledger.record_result(number, name, answer)
            if self.ownership:
                self.ownership.learn(service, operation, params, answer or {}, refused=answer is None)

        return answered

    def check_refusal(self, service: str, code: object) -> None:
        """Raise CredentialsEnded if a call with the credentials of the run was refused since they are not valid."""
        if self.own:
            self.own.check_refusal(service, code)

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
            elif self.own:
                self.own.require()
            params_sent = context.get("surveyor_params", {})
            self._received.status, self._received.body = 0, b""
            context["surveyor_started"] = time.perf_counter()
            context["surveyor_log"] = self._log.log_size() if self._log else 0
            context["surveyor_undo"] = self._spending.count_call(service, model.name, params_sent)
            if self._ledger is not None:
                context["surveyor_number"] = self._ledger.record_intent(service, model.name, params_sent, region)

        def add_marks(params: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> dict[str, Any]:
            params = self.with_tags(service, model.name, params, pooled.account)
            if self._ledger is not None:
                params = without_side_effects(service, model.name, params) or params
            context["surveyor_params"] = params
            self._liveness.sent(service, model.name, params)
            return params

        def after(http_response: Any, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
            signed_by_test = pooled.credentials or context.get("signing", {}).get("request_credentials")
            if self._target.is_one_account and not signed_by_test and http_response.status_code >= 300:
                parsed.setdefault("ResponseMetadata", {})[OWN] = True
                self.note_denied(f"{service}:{model.name}", parsed)
                self.check_refusal(service, parsed.get("Error", {}).get("Code"))
            self._answered(service, model, http_response, parsed, context)

        def failed(exception: Exception, context: dict[str, Any], event_name: str, **_: object) -> None:
            self._failed(service, event_name.rsplit(".", 1)[-1], exception, context)

        def received(response_dict: dict[str, Any], operation_model: OperationModel, **_: object) -> None:
            self._received.status, self._received.body = int(response_dict["status_code"]), response_dict["body"]
            check_answer(operation_model, self._received.status, self._received.body)

        events.register("before-parse", received)
        events.register("provide-client-params", add_marks)
        events.register("before-call", before)
        events.register("after-call", after)
        events.register("after-call-error", failed)

    def _answered(
        self, service: str, model: OperationModel, http: Any, parsed: dict[str, Any], context: dict[str, Any]
    ) -> None:
        operation = model.name
        refused = http.status_code >= 300
        if refused and (undo := context.get("surveyor_undo")):
            undo()
        flatten_error(parsed)
        self._liveness.answered(f"{service}:{operation}", time.perf_counter() - context["surveyor_started"])
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
            raise BrokenAnswer(f"{service}:{operation} answered with a web page: {http.content[:80]!r}")
        if not refused:
            check_types(model, parsed)
        else:
            log = self._log_since(context) if http.status_code == 500 else ""
            answer = declined(http.status_code, http.headers, http.content, parsed.get("Error"), log)
            if not answer and is_html(http.headers, http.content) and self._is_declared_lacking(service, operation):
                answer = f"a web page with HTTP {http.status_code}"
            if answer:
                raise NotOffered(service, operation, answer)
            if self.is_test_in_account:
                require_available(f"{service}:{operation}", parsed, http.status_code)

    def _failed(self, service: str, operation: str, exception: Exception, context: dict[str, Any]) -> None:
        """Record a missing answer, or one that cannot be parsed: moto's web pages make botocore's XML parsers fail."""
        params_sent = context.get("surveyor_params", {})
        started, name = context.get("surveyor_started", time.perf_counter()), f"{service}:{operation}"
        broken = self._broken(name, exception)
        error = {"Code": type(broken).__name__, "Message": str(broken)}
        self._evidence.call(service, operation, params_sent, started, error=error)
        if isinstance(exception, ClientError):
            return
        if isinstance(exception, HTTPClientError):
            self._liveness.unanswered(name, describe_missing(broken))
            if broken is not exception:
                raise broken
            return
        self._liveness.answered(name, time.perf_counter() - started)
        is_page = "<!doctype html" in str(exception).lower()
        lacking = self._is_declared_lacking(service, operation)
        if is_page and (lacking or "NotImplementedError" in self._log_since(context)):
            raise NotOffered(service, operation, "a web page" if lacking else "a web page after NotImplementedError")
        if self._received.status in _NO_SUCH_OPERATION:
            raise NotOffered(service, operation, f"HTTP {self._received.status} without an answer of the API")
        if broken is not exception:
            raise broken

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


def _error(parsed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the error of an answer with all its members."""
    return {key: value for key, value in parsed.items() if key not in ("ResponseMetadata", "Error")} | dict(
        parsed.get("Error", {})
    )


def _check(response_dict: dict[str, Any], operation_model: OperationModel, **_: object) -> None:
    check_answer(operation_model, int(response_dict["status_code"]), response_dict["body"])


def _check_parsed(http_response: Any, parsed: dict[str, Any], model: OperationModel, **_: object) -> None:
    flatten_error(parsed)
    if http_response.status_code < 300:
        check_types(model, parsed)


def _note_secrets(session: Session, request: Any, **_: object) -> None:
    """Note what a request carries of the credentials, and the others too when they are new: they are renewed."""
    credentials = session.get_credentials()
    if note_request(request.headers) and credentials is not None:
        register(*credentials.get_frozen_credentials()[:3], shortest=SHORTEST_KEY)


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
    if target.endpoint is not None or target.start is not None:  # AWS_USE_FIPS_ENDPOINT is about endpoints of AWS
        config = config.merge(Config(use_fips_endpoint=False, use_dualstack_endpoint=False))
    return config.merge(Config(proxies={})) if target.is_local else config
