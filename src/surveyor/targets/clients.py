"""boto3 clients for a target: without validation, retries or settings of the environment; each call is recorded.

One botocore session keeps the parsed service models, so that a client for the account of a test costs 2 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.config import Config
from botocore.credentials import Credentials
from botocore.session import Session

from surveyor import timeouts
from surveyor.account.budget import Spending
from surveyor.account.call_rate import SharedRate, calls_route53
from surveyor.account.cloudmap_operations import CloudMapOperations
from surveyor.account.ledger import Ledger
from surveyor.account.ownership import Ownership
from surveyor.account.refusals import DENIED, OWN, describe_refusal
from surveyor.account.resources import CREATES
from surveyor.account.side_effects import without_side_effects
from surveyor.account.tags import TAG, add_run_tag, add_tags
from surveyor.clock import Clock
from surveyor.evidence import Evidence
from surveyor.response import ResponseWrapper
from surveyor.secret_values import SHORTEST_KEY, note_request, register
from surveyor.targets.call_outcomes import CallOutcomes, ProcessLog
from surveyor.targets.cleanup_calls import watch_cleanup
from surveyor.targets.credentials import open_session
from surveyor.targets.guard import guard, ownership_in
from surveyor.targets.liveness import Liveness
from surveyor.targets.model import Target
from surveyor.targets.retries import repeat_failed_calls
from surveyor.targets.transport import limit_answers
from surveyor.targets.user_tags import hide_tags

__all__ = ["Clients", "wrap_responses"]


_ClientKey = tuple[str, str, str | None]
"""Service, region and endpoint."""


@dataclass(eq=False)
class _PooledClient:
    """A client with the account and the credentials of the test that uses it now; None: those of the session."""

    client: Any
    account: str = ""
    credentials: Credentials | None = None


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
        self._liveness = Liveness(target.name, self._config.read_timeout)  # type: ignore[attr-defined]  # an option
        self._outcomes = CallOutcomes(target, evidence, ledger, log, self._liveness)
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
        watch_cleanup(client, self._spending, self._liveness, self.own)
        return client

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
            self._outcomes.sending(context)
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
            in_account = self.is_test_in_account
            self._outcomes.answered(service, model, http_response, parsed, context, in_account=in_account)

        def failed(exception: Exception, context: dict[str, Any], event_name: str, **_: object) -> None:
            self._outcomes.failed(service, event_name.rsplit(".", 1)[-1], exception, context)

        events.register("before-parse", self._outcomes.received)
        events.register("provide-client-params", add_marks)
        events.register("before-call", before)
        events.register("after-call", after)
        events.register("after-call-error", failed)


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
