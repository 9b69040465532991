"""Which AWS services the gateway serves, under which signing name, in which protocols, and by which handlers.

Handlers are imported when their service is first called: an EC2 model alone would double the start-up time.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

__all__ = ["HOSTED", "SERVICES", "Handler", "Service", "handlers"]

# A handler names the exact shape of its request, which botocore's model has checked by then.
Handler = Callable[[Call, Any], Document]


@dataclass(frozen=True, slots=True)
class Service:
    """One AWS service. ``invalid`` is the error code for a request that breaks the model, ``missing`` for one that
    lacks a required parameter, where that is another.
    """

    name: str
    model: str
    handlers: str
    wires: tuple[str, ...]
    invalid: str
    regional: bool = True
    missing: str | None = None

    @property
    def xml(self) -> bool:
        """Whether it speaks an XML protocol, whose common errors have names of their own."""
        return self.wires[0] not in ("json", "cbor", "rest-json")


SERVICES: Mapping[str, Service] = {
    service.name: service
    for service in (
        Service("servicediscovery", "servicediscovery", "cloudmap", ("json", "cbor"), "InvalidInput"),
        Service("route53", "route53", "route53", ("rest-xml",), "InvalidInput", regional=False),
        Service("ecs", "ecs", "ecs", ("json",), "InvalidParameterException"),
        Service("ec2", "ec2", "ec2", ("ec2",), "InvalidParameterValue", missing="MissingParameter"),
        Service("sts", "sts", "sts", ("query",), "ValidationError"),
        Service("elasticloadbalancing", "elbv2", "elb", ("query",), "ValidationError"),
        Service("ram", "ram", "ram", ("rest-json",), "InvalidParameterException"),
    )
}


HOSTED = frozenset({"acm-pca", "events", "logs", "monitoring", "sqs"})
"""Those that moto answers in the same process (see ``hosted``)."""


@functools.cache
def handlers(service: str) -> Mapping[str, Handler]:
    """The handlers of a service, by operation."""
    found: Mapping[str, Handler] = import_module(f"surveyor_emulator.aws.{SERVICES[service].handlers}").HANDLERS
    return found
