"""What a mutant does to calls of the API: to the request, to the answer, or instead of the target."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from surveyor.conformance.mutants import paths
from surveyor.conformance.mutants.model import Mutant
from surveyor.proxies.exchange import Answer, Asked, invented

__all__ = ["Forger"]


class Forger:
    """One active mutant and what it has seen; a new one is made for each test."""

    def __init__(self, mutant: Mutant | None) -> None:
        self.mutant = mutant
        self._memory: dict[str, Any] = {}
        self._pretended: dict[str, dict[str, Any]] = {}

    def pass_through(self, of: Asked, forward: Callable[[Asked], Answer]) -> Answer:
        """The answer to ``of``, with or without help from the target."""
        pretended = self._pretended.get(str((of.params or {}).get("OperationId")))
        if of.operation == "GetOperation" and pretended is not None:
            return Answer.of(200, {"Operation": pretended})
        fake = self.mutant
        if fake is None or fake.details.get("operation") != of.operation:
            return forward(of)
        if fake.operator == "swallow":
            return self._swallowed(of)
        if fake.operator.startswith("ask-") and of.params is not None:
            _alter(fake.operator.removeprefix("ask-"), of.params, fake)
            return forward(of)
        question = of.sent().decode("utf-8", "replace")
        answer = forward(of)
        return self._changed(fake, of, question, answer)

    def _changed(self, fake: Mutant, of: Asked, question: str, answer: Answer) -> Answer:
        details, value = fake.details, answer.value
        match fake.operator:
            case "accept" if answer.error == details["error"]:
                if value is None:
                    return Answer(200, {"Content-Type": "text/xml"}, b"<Response/>")
                return self._swallowed(of)
            case "refuse" if answer.status < 400 and value is not None:
                return Answer.of(400, {"__type": details["error"], "message": "mutant"})
            case "swap" if answer.error == details["error"]:
                if value is None:
                    body = answer.body.replace(details["error"].encode(), details["to"].encode())
                    return Answer(answer.status, answer.headers, body)
                value["__type"] = details["to"]
            case "replace":
                body = re.sub(details["find"].encode(), details["with"].encode(), answer.body, flags=re.DOTALL)
                return Answer(answer.status, answer.headers, body)
            case "stale" if answer.status < 400:
                return self._memory.setdefault(question, answer)  # type: ignore[no-any-return]  # answers alone
            case "keep" if value is not None and answer.status < 400:
                self._keep(value, details)
            case "first" if value is not None:
                paths.change(
                    value, details["path"], lambda found: sorted(found, key=json.dumps)[: details.get("count")]
                )
            case "drop" | "set" | "add" if value is not None:
                _alter(fake.operator, value, fake, missing=answer.status < 400)
        return answer

    def _swallowed(self, of: Asked) -> Answer:
        """A success without anything done; what was to happen later has happened as well, it says."""
        answer = invented(of)
        if "OperationId" in answer:
            identity = answer["OperationId"] = f"mutant-{uuid.uuid4()}"
            self._pretended[identity] = _pretended(of, identity)
        return Answer.of(200, answer)

    def _keep(self, value: dict[str, Any], details: Any) -> None:
        """What was once in the list or map stays in it."""
        key = details.get("key", "Id")

        def kept(found: Any) -> Any:
            if isinstance(found, dict):
                seen = self._memory.setdefault("map", {})
                seen.update(found)
                return dict(seen)
            seen = self._memory.setdefault("list", {})
            seen.update({json.dumps(one.get(key)): one for one in found or []})
            return list(seen.values())

        paths.change(value, details["path"], kept)


def _pretended(of: Asked, identity: str) -> dict[str, Any]:
    """The operation that a swallowed request would have begun, done."""
    kind = re.sub(r"(Http|PrivateDns|PublicDns)", "", of.operation)
    now, params = time.time(), of.params or {}
    named = "SERVICE" if kind.endswith("Service") else "NAMESPACE"
    targets = {"INSTANCE": "InstanceId", "SERVICE": "ServiceId", named: "Id"}
    return {
        "Id": identity,
        "Type": re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).upper(),
        "Status": "SUCCESS",
        "CreateDate": now,
        "UpdateDate": now,
        "Targets": {name: params[member] for name, member in targets.items() if member in params},
    }


def _alter(operator: str, value: dict[str, Any], fake: Mutant, *, missing: bool = True) -> None:
    """Change the place; ``missing``: also where nothing stands yet."""
    path = fake.details["path"]
    if operator == "drop":
        paths.remove(value, path)
    elif operator == "set":
        paths.change(value, path, lambda old: fake.details["value"], missing=missing)
    else:
        paths.change(value, path, lambda old: old + fake.details["by"])
