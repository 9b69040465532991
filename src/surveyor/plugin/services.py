"""Services and instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from surveyor.answers import member
from surveyor.plugin.account import Unique
from surveyor.plugin.operations import Finish

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient

__all__ = ["Deregister", "MakeService", "Register", "RegisterAll"]

Named = Mapping[str, Any] | str
"""A namespace or a service: the dict that describes it, or its id."""


class MakeService(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, namespace: Named | None, name: str | None = None, **params: Any) -> dict[str, Any]:
        """`make_service(namespace, name=None, **params)`: creates a service and returns CreateService's Service."""


class Register(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, service: Named, instance_id: str, attributes: Mapping[str, str]) -> dict[str, Any]:
        """`register(service, instance_id, attributes)`: registers, waits for SUCCESS, returns the Operation."""


class RegisterAll(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, service: Named, instances: Mapping[str, Mapping[str, str]]) -> None:
        """`register_all(service, {instance_id: attributes})`: registers side by side, waits until each succeeded."""


class Deregister(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, service: Named, instance_id: str) -> dict[str, Any]:
        """`deregister(service, instance_id)`: deregisters, waits for SUCCESS, returns the Operation."""


@pytest.fixture
def make_service(cloudmap: ServiceDiscoveryClient, unique: Unique) -> MakeService:
    """Makes services; `params` as in CreateService, Name and NamespaceId filled in (no NamespaceId for None)."""

    def make(namespace: Named | None, name: str | None = None, **params: Any) -> dict[str, Any]:
        params["Name"] = unique("svc") if name is None else name
        if namespace is not None:
            params.setdefault("NamespaceId", _id(namespace))
        return dict(member(cloudmap.create_service(**params), "Service", of="CreateService"))

    return make


@pytest.fixture
def register(cloudmap: ServiceDiscoveryClient, complete: Finish) -> Register:
    """Registers instances and waits until that has succeeded."""

    def call(service: Named, instance_id: str, attributes: Mapping[str, str]) -> dict[str, Any]:
        return complete(
            cloudmap.register_instance(ServiceId=_id(service), InstanceId=instance_id, Attributes=dict(attributes))
        )

    return call


@pytest.fixture
def register_all(cloudmap: ServiceDiscoveryClient, complete: Finish) -> RegisterAll:
    """Registers many instances at once, which takes hardly longer than one."""

    def call(service: Named, instances: Mapping[str, Mapping[str, str]]) -> None:
        answers = [
            cloudmap.register_instance(ServiceId=_id(service), InstanceId=instance, Attributes=dict(attributes))
            for instance, attributes in instances.items()
        ]
        for answer in answers:
            complete(answer)

    return call


@pytest.fixture
def deregister(cloudmap: ServiceDiscoveryClient, complete: Finish) -> Deregister:
    """Deregisters instances and waits until that has succeeded."""

    def call(service: Named, instance_id: str) -> dict[str, Any]:
        return complete(cloudmap.deregister_instance(ServiceId=_id(service), InstanceId=instance_id))

    return call


def _id(named: Named) -> str:
    return named if isinstance(named, str) else str(member(named, "Id", of="the description"))
