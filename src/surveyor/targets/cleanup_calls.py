"""The calls of the clean-up: they are counted and not recorded, and end with the credentials of the run."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import HTTPClientError
from botocore.model import OperationModel

from surveyor.account.budget import Spending
from surveyor.errors import TargetUnavailable
from surveyor.targets.answers import check_answer, check_types, describe_missing, flatten_error
from surveyor.targets.credentials import RunCredentials
from surveyor.targets.liveness import Liveness
from surveyor.targets.retries import CLEANUP

__all__ = ["watch_cleanup"]


def watch_cleanup(client: Any, spending: Spending, liveness: Liveness, own: RunCredentials | None) -> None:
    """Count the calls of a client that retries; a target that has stopped answering is not tried further.

    `own`: the credentials of the run, which may end.
    """
    service = client.meta.service_model.service_name

    def requested(params: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
        context[CLEANUP] = True
        liveness.sent(service, model.name, params)
        spending.count_cleanup(service, model.name, params)

    def sending(**_: object) -> None:
        if own:
            own.require()
        if why := liveness.silence():
            raise TargetUnavailable(why)

    def refused(http_response: Any, parsed: dict[str, Any], **_: object) -> None:
        if own and http_response.status_code >= 300:
            own.check_refusal(service, parsed.get("Error", {}).get("Code"))

    def tried(exception: Exception | None, event_name: str, **_: object) -> None:
        name = f"{service}:{event_name.rsplit('.', 1)[-1]}"
        if isinstance(exception, HTTPClientError):
            liveness.unanswered(name, describe_missing(exception))
        elif exception is None:
            liveness.answered(name, 0.0)

    client.meta.events.register("provide-client-params", requested)
    client.meta.events.register("before-send", sending)
    client.meta.events.register("response-received", tried)
    client.meta.events.register("before-parse", _check)
    client.meta.events.register("after-call", refused)
    client.meta.events.register("after-call", _check_parsed)


def _check(response_dict: dict[str, Any], operation_model: OperationModel, **_: object) -> None:
    check_answer(operation_model, int(response_dict["status_code"]), response_dict["body"])


def _check_parsed(http_response: Any, parsed: dict[str, Any], model: OperationModel, **_: object) -> None:
    flatten_error(parsed)
    if http_response.status_code < 300:
        check_types(model, parsed)
