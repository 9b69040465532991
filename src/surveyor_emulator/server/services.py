"""The table of AWS services: signing name, protocols, error codes, and the modules that answer.

Modules are imported with the first request to their service: the model of EC2 alone would double the start-up time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["SERVICES", "AwsService", "guess_service"]


@dataclass(frozen=True, slots=True)
class AwsService:
    """One AWS service. Modules are named relative to ``surveyor_emulator.aws``.

    ``permissions`` is the module whose ``permission_requests`` says what a request needs to be allowed. ``handlers``
    names the package or module whose HANDLERS answer, ``forwarder`` the module whose ``answer`` has another program
    answer instead. ``account_resolver`` is the module whose ``resolve_account`` finds the account that a request is
    about. ``invalid`` is the error code for a request that breaks the model, ``other_invalid`` that of the operations
    whose errors have this one instead, ``missing`` the one for a request that lacks a required parameter, where they
    differ. ``unsigned`` are beginnings of targets and paths by which a request without a signature is known to be for
    this service.
    """

    name: str
    model: str
    protocols: tuple[str, ...]
    permissions: str
    handlers: str = ""
    forwarder: str = ""
    account_resolver: str = ""
    invalid: str = "ValidationError"
    other_invalid: str | None = None
    missing: str | None = None
    regional: bool = True
    unsigned: tuple[str, ...] = ()

    @property
    def xml(self) -> bool:
        """Return whether it speaks an XML protocol: their common errors have other names."""
        return self.protocols[0] not in ("json", "cbor", "rest-json")


def guess_service(target: str, path: str) -> str:
    """Return the service of an unsigned request, so that it is refused in the right protocol."""
    for name, service in SERVICES.items():
        if target.startswith(service.unsigned) or path.startswith(service.unsigned):
            return name
    return _WITHOUT_TARGET


_WITHOUT_TARGET = "sts"
"""The service whose protocol refuses requests that name none."""

SERVICES: Mapping[str, AwsService] = {
    service.name: service
    for service in (
        AwsService(
            "servicediscovery",
            "servicediscovery",
            ("json", "cbor"),
            permissions="cloudmap.permissions",
            handlers="cloudmap",
            account_resolver="cloudmap.shared_namespaces",
            invalid="InvalidInput",
            unsigned=("Route53AutoNaming", "/service/Route53AutoNaming"),
        ),
        AwsService(
            "route53",
            "route53",
            ("rest-xml",),
            permissions="route53.permissions",
            handlers="route53.handlers",
            invalid="InvalidInput",
            regional=False,
            unsigned=("/2013-04-01/",),
        ),
        AwsService(
            "route53resolver",
            "route53resolver",
            ("json",),
            permissions="resolver.permissions",
            handlers="resolver",
            invalid="InvalidParameterException",
            other_invalid="ValidationException",
            unsigned=("Route53Resolver",),
        ),
        AwsService(
            "ecs",
            "ecs",
            ("json",),
            permissions="ecs.permissions",
            handlers="ecs",
            invalid="InvalidParameterException",
            unsigned=("AmazonEC2ContainerService",),
        ),
        AwsService(
            "ec2",
            "ec2",
            ("ec2",),
            permissions="ec2.permissions",
            handlers="ec2.handlers",
            invalid="InvalidParameterValue",
            missing="MissingParameter",
        ),
        AwsService("sts", "sts", ("query",), permissions="sts.permissions", handlers="sts"),
        AwsService("elasticloadbalancing", "elbv2", ("query",), permissions="elb.permissions", handlers="elb"),
        AwsService(
            "ram",
            "ram",
            ("rest-json",),
            permissions="ram.permissions",
            handlers="ram",
            invalid="InvalidParameterException",
        ),
        AwsService(
            "servicequotas",
            "service-quotas",
            ("json",),
            permissions="service_quotas",
            handlers="service_quotas",
            invalid="IllegalArgumentException",
        ),
        AwsService(
            "application-autoscaling",
            "application-autoscaling",
            ("json",),
            permissions="autoscaling.permissions",
            handlers="autoscaling",
            invalid="ValidationException",
            unsigned=("AnyScaleFrontendService",),
        ),
        AwsService(
            "lambda",
            "lambda",
            ("rest-json",),
            permissions="functions.permissions",
            handlers="functions",
            invalid="InvalidParameterValueException",
            unsigned=("/2015-03-31/functions",),
        ),
        AwsService("iam", "iam", ("query",), permissions="iam.permissions", forwarder="iam.requests", regional=False),
        AwsService(
            "acm-pca",
            "acm-pca",
            ("json", "cbor"),
            permissions="forwarded.acm_pca",
            forwarder="forwarded.services",
            invalid="ValidationException",
        ),
        AwsService(
            "events",
            "events",
            ("json", "cbor"),
            permissions="forwarded.events",
            forwarder="forwarded.services",
            invalid="ValidationException",
        ),
        AwsService(
            "logs",
            "logs",
            ("json", "cbor"),
            permissions="forwarded.logs",
            forwarder="forwarded.services",
            invalid="InvalidParameterException",
        ),
        AwsService(
            "monitoring",
            "cloudwatch",
            ("json", "cbor", "query"),
            permissions="forwarded.cloudwatch",
            forwarder="forwarded.services",
        ),
        AwsService(
            "s3",
            "s3",
            ("s3",),
            permissions="forwarded.s3",
            forwarder="forwarded.s3_requests",
            invalid="InvalidArgument",
        ),
        AwsService(
            "sqs",
            "sqs",
            ("json", "cbor"),
            permissions="forwarded.sqs",
            forwarder="forwarded.services",
            invalid="InvalidParameterValue",
            missing="MissingParameter",
        ),
    )
}
