"""A proxy in front of a target's endpoint, which forwards calls and changes them as the active mutant says.

Requests under ``/_surveyor/`` pass unchanged, except that proxies replace the DNS servers in their responses.
``POST /_mutant {"mutant": …}`` activates a mutant by its id, "" none, and ``{"response": {…}}`` a response mutant.
``{"record": true}`` activates none and notes which response mutants the answers allow; ``GET /_mutant`` returns them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import dns.message

from surveyor.conformance.mutants.api_operators import ApiMutator
from surveyor.conformance.mutants.dns_operators import DnsMutator
from surveyor.conformance.mutants.dns_response_change import change_dns_answer, changes_of_dns
from surveyor.conformance.mutants.model import Mutant
from surveyor.conformance.mutants.response_change import ResponseChange, change_answer, changes_of
from surveyor.proxies import DnsProxy, HttpProxy, ProxyRequest, ProxyResponse, Upstream, parse_request

__all__ = ["CONTROL", "MutantProxy"]

CONTROL = "/_mutant"
_CONTROL_ENDPOINT = "/_surveyor/"
_DNS_SERVERS = ("/_surveyor/resolvers", "/_surveyor/name-servers")


class MutantProxy:
    """A proxy of ``endpoint``, whose control endpoint wants ``token``; it listens at ``url``."""

    def __init__(self, endpoint: str, token: str, mutants: Mapping[str, Mutant]) -> None:
        self._forward = Upstream(endpoint)
        self._control_headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        self._mutants = mutants
        self._dns: dict[tuple[str, int], DnsProxy] = {}
        self._lock = threading.Lock()
        self._settings: list[str] = []
        self._response: ResponseChange | None = None
        self._recorded: set[ResponseChange] | None = None
        self._api_mutator, self._dns_mutator = ApiMutator(None), DnsMutator(None)
        self._server = HttpProxy(self.answer)
        self.url = self._server.url

    def serve(self) -> None:
        """Answer until the process ends."""
        self._server.serve()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> ProxyResponse:
        """Return the answer to one request."""
        if path == CONTROL:
            return self._control(json.loads(body)) if method == "POST" else self._recorded_changes()
        if path.startswith(_CONTROL_ENDPOINT):
            answer = self._forward(method, path, headers, body)
            return self._with_dns_proxy(answer) if path.startswith(_DNS_SERVERS) and answer.status == 200 else answer
        question = parse_request(method, path, headers, body)

        def forward(request: ProxyRequest) -> ProxyResponse:
            return self._forward(method, path, headers, request.encode())

        answer = self._api_mutator.pass_through(question, forward)
        if self._recorded is not None:
            self._recorded |= changes_of(question, answer)
        return answer if self._response is None else change_answer(self._response, question, answer)

    def _control(self, request: dict[str, Any]) -> ProxyResponse:
        self._recorded = set() if request.get("record") else None
        self._response = ResponseChange(**request["response"]) if "response" in request else None
        return self._activate(request.get("mutant", ""))

    def _recorded_changes(self) -> ProxyResponse:
        return ProxyResponse.from_json(200, {"changes": [asdict(change) for change in sorted(self._recorded or ())]})

    def _activate(self, mutant_id: str) -> ProxyResponse:
        mutant = self._mutants.get(mutant_id)
        if mutant_id and mutant is None:
            return ProxyResponse.from_json(404, {"error": f"there is no mutant {mutant_id!r}"})
        self._api_mutator, self._dns_mutator = ApiMutator(mutant), DnsMutator(mutant)
        changes = mutant.settings if mutant is not None else []
        if changes != self._settings:
            self._change_settings(changes)
            self._settings = changes
        return ProxyResponse.from_json(200, {"active": mutant_id})

    def _change_settings(self, changes: list[str]) -> None:
        """Make these changes to the target's first settings; an empty list restores them."""
        body = json.dumps({"set": changes}).encode()
        answer = self._forward("POST", "/_surveyor/settings", self._control_headers, body)
        if answer.status != 200:
            raise ConnectionError(f"the target refused the settings {changes}: {answer.body!r}")

    def _with_dns_proxy(self, answer: ProxyResponse) -> ProxyResponse:
        assert answer.value is not None
        upstream = (answer.value["address"], answer.value["port"])
        with self._lock:
            if upstream not in self._dns:
                self._dns[upstream] = DnsProxy(upstream, self._change_dns_answer, keep_udp=True)
        address, port = self._dns[upstream].address
        return ProxyResponse.from_json(200, {**answer.value, "address": address, "port": port})

    def _change_dns_answer(self, query: bytes, forward: Callable[[bytes], bytes]) -> bytes:
        # Read at each query: the mutator changes with the mutant, the DNS proxy stays.
        answer = self._dns_mutator.pass_through(query, forward)
        if not answer or (self._response is None and self._recorded is None):
            return answer
        message = dns.message.from_wire(answer)
        if self._recorded is not None:
            self._recorded |= changes_of_dns(message)
        if self._response is not None:
            change_dns_answer(self._response, message)
        return message.to_wire(max_size=65535)
