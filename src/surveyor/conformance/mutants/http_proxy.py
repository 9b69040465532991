"""The HTTP side: stands before a target's endpoint and passes calls on, changed by the active mutant.

What is under ``/_surveyor/`` passes as it is, but that DNS servers named there are replaced by proxies of theirs. Which
mutant is active is set with ``POST /_mutant {"claim": …}``, "" for none.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping

from surveyor.conformance.mutants.dns_operators import DnsForger
from surveyor.conformance.mutants.model import Mutant
from surveyor.conformance.mutants.operators import Forger
from surveyor.proxies import Answer, Asked, DnsProxy, HttpProxy, Upstream, asked

__all__ = ["CONTROL", "ForgingProxy"]

CONTROL = "/_mutant"
_TARGETS_OWN = "/_surveyor/"
_NAMES = ("/_surveyor/resolvers", "/_surveyor/name-servers")


class ForgingProxy:
    """A proxy before ``endpoint``; ``url`` is its own."""

    def __init__(self, endpoint: str, mutants: Mapping[str, Mutant]) -> None:
        self._forward = Upstream(endpoint)
        self._mutants = mutants
        self._dns: dict[tuple[str, int], DnsProxy] = {}
        self._lock = threading.Lock()
        self._settings: list[str] = []
        self.forger, self.dns_forger = Forger(None), DnsForger(None)
        self._server = HttpProxy(self.answer)
        self.url = self._server.url

    def serve(self) -> None:
        """Answer until the process ends."""
        self._server.serve()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """The answer to one request."""
        if path == CONTROL:
            return self._activate(json.loads(body)["claim"])
        if path.startswith(_TARGETS_OWN):
            answer = self._forward(method, path, headers, body)
            return self._with_own_names(answer) if path.startswith(_NAMES) and answer.status == 200 else answer
        question = asked(method, path, headers, body)
        return self.forger.pass_through(question, lambda of: self._call(method, path, headers, of))

    def _call(self, method: str, path: str, headers: dict[str, str], of: Asked) -> Answer:
        return self._forward(method, path, headers, of.sent())

    def _activate(self, claim: str) -> Answer:
        fake = self._mutants.get(claim)
        if claim and fake is None:
            return Answer.of(404, {"error": f"no mutant of {claim!r}"})
        self.forger, self.dns_forger = Forger(fake), DnsForger(fake)
        changes = [f"{fake.details['name']}={fake.details['value']}"] if fake and fake.operator == "setting" else []
        if changes != self._settings:
            self._set(changes)
            self._settings = changes
        return Answer.of(200, {"active": claim})

    def _set(self, changes: list[str]) -> None:
        """Change settings of the target; none restores them."""
        body = json.dumps({"set": changes}).encode()
        answer = self._forward("POST", "/_surveyor/settings", {"Content-Type": "application/json"}, body)
        if answer.status != 200:
            raise ConnectionError(f"the target did not take {changes}: {answer.body!r}")

    def _with_own_names(self, answer: Answer) -> Answer:
        assert answer.value is not None
        upstream = (answer.value["address"], answer.value["port"])
        with self._lock:
            if upstream not in self._dns:
                self._dns[upstream] = DnsProxy(upstream, self._change_names)
        address, port = self._dns[upstream].address
        return Answer.of(200, {**answer.value, "address": address, "port": port})

    def _change_names(self, question: bytes, forward: Callable[[bytes], bytes]) -> bytes:
        # Looked up at each question: the forger changes with the mutant, the proxy stays.
        return self.dns_forger.pass_through(question, forward)
