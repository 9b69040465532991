"""Change calls of the API as the active mutant says: the request, the response, or answer instead of the target."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from surveyor.conformance.mutants import paths
from surveyor.conformance.mutants.model import Mutant
from surveyor.proxies.exchange import ProxyRequest, ProxyResponse, encode_output, invent_output

__all__ = ["ApiMutator"]


class ApiMutator:
    """One active mutant, and the answers that it has seen. Each test gets a new one."""

    def __init__(self, mutant: Mutant | None) -> None:
        self._mutant = mutant
        self._memory: dict[str, Any] = {}
        self._pretended_operations: dict[str, dict[str, Any]] = {}

    def pass_through(self, request: ProxyRequest, forward: Callable[[ProxyRequest], ProxyResponse]) -> ProxyResponse:
        """Return the mutant's answer to ``request``; ``forward`` asks the target, if the mutant needs its answer."""
        pretended = self._pretended_operations.get(str((request.params or {}).get("OperationId")))
        if request.operation == "GetOperation" and pretended is not None:
            return ProxyResponse.from_json(200, {"Operation": pretended})
        mutant = self._mutant
        if mutant is None or mutant.details.get("operation") != request.operation:
            return forward(request)
        if mutant.operator == "swallow":
            return self._pretend_success(request)
        if mutant.operator.startswith("ask-") and request.params is not None:
            _alter(mutant.operator.removeprefix("ask-"), request.params, mutant.details)
            return forward(request)
        question = request.encode().decode("utf-8", "replace")
        answer = forward(request)
        return self._change(mutant, request, question, answer)

    def _change(self, mutant: Mutant, request: ProxyRequest, question: str, answer: ProxyResponse) -> ProxyResponse:
        details, value = mutant.details, answer.value
        match mutant.operator:
            case "accept" if answer.error == details["error"]:
                return self._pretend_success(request)
            case "refuse" if answer.status < 400 and value is not None:
                return ProxyResponse.from_json(400, {"__type": details["error"], "message": "mutant"})
            case "swap" if answer.error == details["error"]:
                if value is None:
                    body = answer.body.replace(details["error"].encode(), details["to"].encode())
                    return ProxyResponse(answer.status, answer.headers, body)
                value["__type"] = details["to"]
            case "replace":
                body = re.sub(details["find"].encode(), details["with"].encode(), answer.body, flags=re.DOTALL)
                return ProxyResponse(answer.status, answer.headers, body)
            case "stale" if answer.status < 400:
                return self._memory.setdefault(question, answer)  # type: ignore[no-any-return]  # answers only
            case "keep" if value is not None and answer.status < 400:
                self._keep(value, details)
            case "first" if value is not None:
                paths.change(
                    value, details["path"], lambda entries: sorted(entries, key=json.dumps)[: details.get("count")]
                )
            case "drop" | "set" | "add" if value is not None:
                _alter(mutant.operator, value, details, create=answer.status < 400)
        return answer

    def _pretend_success(self, request: ProxyRequest) -> ProxyResponse:
        """Answer with a success although nothing was done; an operation that it starts has succeeded already."""
        answer = invent_output(request)
        if "OperationId" in answer:
            identity = answer["OperationId"] = f"mutant-{uuid.uuid4()}"
            self._pretended_operations[identity] = _finished_operation(request, identity)
        return encode_output(request, answer)

    def _keep(self, value: dict[str, Any], details: Mapping[str, Any]) -> None:
        """Add all entries that the list or map has ever had."""
        key = details.get("key", "Id")

        def with_old_entries(entries: Any) -> Any:
            if isinstance(entries, dict):
                seen = self._memory.setdefault("map", {})
                seen.update(entries)
                return dict(seen)
            seen = self._memory.setdefault("list", {})
            seen.update({json.dumps(entry.get(key)): entry for entry in entries or []})
            return list(seen.values())

        paths.change(value, details["path"], with_old_entries)


def _finished_operation(request: ProxyRequest, identity: str) -> dict[str, Any]:
    """Return the Cloud Map operation that a swallowed request would have started, as finished."""
    kind = re.sub(r"(Http|PrivateDns|PublicDns)", "", request.operation)
    now, params = time.time(), request.params or {}
    target = "SERVICE" if kind.endswith("Service") else "NAMESPACE"
    targets = {"INSTANCE": "InstanceId", "SERVICE": "ServiceId", target: "Id"}
    params = {"Id": f"ns-{uuid.uuid4().hex[:16]}", **params} if kind == "CreateNamespace" else params
    return {
        "Id": identity,
        "Type": re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).upper(),
        "Status": "SUCCESS",
        "CreateDate": now,
        "UpdateDate": now,
        "Targets": {name: params[member] for name, member in targets.items() if member in params},
    }


def _alter(operator: str, value: dict[str, Any], details: Mapping[str, Any], *, create: bool = True) -> None:
    """Change the value at the mutant's path; ``create``: set absent ones too."""
    path = details["path"]
    if operator == "drop":
        paths.remove(value, path)
    elif operator == "set":
        paths.change(value, path, lambda old: details["value"], create=create)
    else:
        paths.change(value, path, lambda old: old + details["by"])
