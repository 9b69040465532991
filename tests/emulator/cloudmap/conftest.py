"""Cloud Map behind the gateway of a world with a stopped clock, without sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import cbor2
import pytest

from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.http import Request, Response
from surveyor_emulator.core.settings import Quotas, Settings
from surveyor_emulator.core.world import World
from surveyor_emulator.server.gateway import Gateway

PREFIX = "Route53AutoNaming_v20170314"


class CloudMap:
    """Cloud Map behind the gateway of a world with a stopped clock."""

    def __init__(self, **settings: Any) -> None:
        self.world = World(
            Settings(
                seed=5,
                scale=None,
                verify_signatures=False,
                quotas=Quotas(discover_rate=None, health_checks=3),
                **settings,
            ),
            Clock(scale=None),
        )
        self._gateway = Gateway(self.world, self._control)
        asyncio.run(self._gateway.preload(["servicediscovery"]))

    @staticmethod
    async def _control(request: Request) -> Response:
        raise AssertionError(f"expected no request to the control endpoint, got {request.path}")

    def json(self, operation: str, params: Mapping[str, object]) -> Any:
        """Return the answer to a call in JSON."""
        headers = {"x-amz-target": f"{PREFIX}.{operation}", "content-type": "application/x-amz-json-1.1"}
        return json.loads(self._body(Request("POST", "/", "", headers, json.dumps(params).encode())))

    def cbor(self, operation: str, params: Mapping[str, object]) -> Any:
        """Return the answer to a call in CBOR."""
        headers = {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}
        path = f"/service/{PREFIX}/operation/{operation}"
        return cbor2.loads(self._body(Request("POST", path, "", headers, cbor2.dumps(params))))

    def finish(self, answer: Mapping[str, str]) -> Any:
        """Return the operation that an answer names, after it has ended."""
        self.advance(60)
        return self.json("GetOperation", {"OperationId": answer["OperationId"]})["Operation"]

    def create_namespace(self, kind: str, name: str, **params: object) -> Any:
        """Create a namespace of a kind (Http, PrivateDns, PublicDns), and return it."""
        operation = self.finish(self.json(f"Create{kind}Namespace", {"Name": name, **params}))
        return self.json("GetNamespace", {"Id": operation["Targets"]["NAMESPACE"]})["Namespace"]

    def create_service(self, namespace: Mapping[str, str], name: str, **params: object) -> Any:
        """Create a service and return it."""
        return self.json("CreateService", {"Name": name, "NamespaceId": namespace["Id"], **params})["Service"]

    def register(self, service_id: str, identity: str, **attributes: str) -> None:
        """Register an instance and wait until DiscoverInstances shows it."""
        params = {"ServiceId": service_id, "InstanceId": identity, "Attributes": attributes}
        assert "OperationId" in self.json("RegisterInstance", params)
        self.advance(60)

    def advance(self, seconds: float) -> None:
        """Move service time forward."""
        asyncio.run(self.world.clock.advance(seconds))

    def _body(self, request: Request) -> bytes:
        response = self._gateway(request)
        assert isinstance(response, Response)
        return response.body


@pytest.fixture
def cloudmap() -> CloudMap:
    """Return an empty Cloud Map."""
    return CloudMap()
