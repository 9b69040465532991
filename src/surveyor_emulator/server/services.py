"""The table of AWS services: signing name, protocols, error codes, and the modules that answer.

Modules are imported with the first request to their service: the model of EC2 alone would double the start-up time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["SERVICES", "AwsService"]


@dataclass(frozen=True, slots=True)
class AwsService:
    """One AWS service. Modules are named relative to ``surveyor_emulator.aws``.

    ``handlers`` names the package or module whose HANDLERS answer, ``moto`` the module that forwards to moto instead.
    ``permissions`` is the module whose ``permission_requests`` says what a request needs to be allowed;
    ``account_resolver`` the one whose ``resolve_account`` finds the account that a request is about.
    ``invalid`` is the error code for a request that breaks the model, ``missing`` the one for a request that lacks a
    required parameter, where they differ.
    """

    name: str
    model: str
    protocols: tuple[str, ...]
    handlers: str = ""
    moto: str = ""
    permissions: str = ""
    account_resolver: str = ""
    invalid: str = "ValidationError"
    missing: str | None = None
    regional: bool = True

    @property
    def xml(self) -> bool:
        """Return whether it speaks an XML protocol: their common errors have other names."""
        return self.protocols[0] not in ("json", "cbor", "rest-json")


SERVICES: Mapping[str, AwsService] = {
    service.name: service
    for service in (
        AwsService(
            "servicediscovery",
            "servicediscovery",
            ("json", "cbor"),
            handlers="cloudmap",
            permissions="cloudmap.permissions",
            account_resolver="cloudmap.shared_namespaces",
            invalid="InvalidInput",
        ),
        AwsService(
            "route53",
            "route53",
            ("rest-xml",),
            handlers="route53.handlers",
            permissions="route53.permissions",
            invalid="InvalidInput",
            regional=False,
        ),
        AwsService(
            "ecs",
            "ecs",
            ("json",),
            handlers="ecs",
            permissions="ecs.permissions",
            invalid="InvalidParameterException",
        ),
        AwsService(
            "ec2", "ec2", ("ec2",), handlers="ec2.handlers", invalid="InvalidParameterValue", missing="MissingParameter"
        ),
        AwsService("sts", "sts", ("query",), handlers="sts"),
        AwsService("elasticloadbalancing", "elbv2", ("query",), handlers="elb"),
        AwsService("ram", "ram", ("rest-json",), handlers="ram", invalid="InvalidParameterException"),
        AwsService("iam", "iam", ("query",), moto="iam.moto_store", regional=False),
        AwsService("acm-pca", "acm-pca", ("json", "cbor"), moto="moto_services"),
        AwsService("events", "events", ("json", "cbor"), moto="moto_services"),
        AwsService("logs", "logs", ("json", "cbor"), moto="moto_services"),
        AwsService("monitoring", "cloudwatch", ("json", "cbor"), moto="moto_services"),
        AwsService("sqs", "sqs", ("json", "cbor"), moto="moto_services"),
    )
}
