"""Checks before the first change to an account that outlives the run: the account, the clocks, the permissions.

Delete calls are tried on resources that cannot exist: without permission the answer is a denial, with it the answer is
that the resource does not exist.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from surveyor.account.removal.account import error_code
from surveyor.errors import CredentialsEnded, TargetUnavailable
from surveyor.targets.clients import Clients
from surveyor.targets.model import Target

__all__ = ["MAX_CLOCK_SKEW", "operations", "preflight"]

MAX_CLOCK_SKEW = 240.0
"""Wall seconds by which the clocks may differ: signatures are refused from five minutes on."""

_ADVICE = {
    "ExpiredToken": "the credentials have expired: get new ones",
    "ExpiredTokenException": "the credentials have expired: get new ones",
    "RequestExpired": "the credentials have expired, or this machine's clock is wrong",
    "InvalidClientTokenId": "the access key does not exist: check which credentials are in the environment",
    "UnrecognizedClientException": "the access key does not exist: check which credentials are in the environment",
    "SignatureDoesNotMatch": "the secret does not belong to the access key, or this machine's clock is wrong",
    "MissingAuthenticationToken": "the calls are not signed: check which credentials are in the environment",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
_NO_RESOURCE = f"surveyor-preflight-{secrets.token_hex(4)}"
"""A name that nothing has."""


@dataclass(frozen=True)
class _Call:
    """One call that set-up or clean-up needs, in a form that changes nothing."""

    service: str
    operation: str
    params: Mapping[str, Any]


def operations(features: frozenset[str]) -> set[str]:
    """Return the operations that are called, as `service:Operation`: the permissions that preflight needs."""
    return {f"{call.service}:{_operation(call.operation)}" for call in _calls(features)}


def _operation(method: str) -> str:
    """Return the operation of a method of boto3; none of those called here has an abbreviation in its name."""
    return "".join(word.capitalize() for word in method.split("_"))


def preflight(target: Target, clients: Clients, now: Callable[[], float] = time.time) -> None:
    """Raise TargetUnavailable if the run must not begin; nothing has been created then."""
    _identity(target, clients, now)
    if clients.ownership:
        clients.ownership.own([_NO_RESOURCE, f"{_NO_RESOURCE}:1"])
    for call in _calls(target.features or frozenset()):
        _permitted(target, clients, call)


def _identity(target: Target, clients: Clients, now: Callable[[], float]) -> None:
    try:
        answer = clients.client("sts", target.account or "", target.region).get_caller_identity()
    except (ClientError, CredentialsEnded) as error:
        raise _refused(target, error) from None
    except BotoCoreError as error:
        raise _stop(f"{target.name} did not answer GetCallerIdentity: {error}") from None
    actual = answer.get("Account")
    if actual != target.account:
        raise _stop(
            f"expected account {target.account} (--account); the credentials are of account {actual} "
            f"({answer.get('Arn')})"
        )
    skew = _skew(answer, now())
    direction = "ahead of" if skew > 0 else "behind"
    if abs(skew) > MAX_CLOCK_SKEW:
        raise _stop(
            f"this machine's clock is {abs(skew):.0f} s {direction} that of {target.name}, and a signature is valid "
            "for five minutes: set the clock"
        )


def _refused(target: Target, error: ClientError | CredentialsEnded) -> TargetUnavailable:
    code = error.code if isinstance(error, CredentialsEnded) else error_code(error)
    if not code:
        return _stop(str(error))
    advice = _ADVICE.get(code, "its answer to GetCallerIdentity must name the account")
    why = f"{target.name} refused GetCallerIdentity with {code}: {advice}; nothing was created"
    return CredentialsEnded(why, code) if isinstance(error, CredentialsEnded) else TargetUnavailable(why)


def _skew(answer: Mapping[str, Any], now: float) -> float:
    """Return by how many seconds this machine is ahead; 0 if the answer has no date."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        return now - parsedate_to_datetime(date).timestamp() if date else 0.0
    except ValueError:
        return 0.0


def _calls(features: frozenset[str]) -> list[_Call]:
    cloudmap = [
        _Call("servicediscovery", "list_namespaces", {}),
        _Call("servicediscovery", "list_services", {}),
        _Call("servicediscovery", "list_operations", {}),
        _Call("servicediscovery", "list_instances", {"ServiceId": f"srv-{_NO_RESOURCE}"}),
        _Call(
            "servicediscovery", "deregister_instance", {"ServiceId": f"srv-{_NO_RESOURCE}", "InstanceId": _NO_RESOURCE}
        ),
        _Call("servicediscovery", "delete_service", {"Id": f"srv-{_NO_RESOURCE}"}),
        _Call("servicediscovery", "delete_namespace", {"Id": f"ns-{_NO_RESOURCE}"}),
    ]
    route53 = [
        _Call("route53", "list_hosted_zones", {}),
        _Call("route53", "list_health_checks", {}),
        _Call("route53", "list_resource_record_sets", {"HostedZoneId": "Z00000000000000000000"}),
        _Call("route53", "delete_hosted_zone", {"Id": "Z00000000000000000000"}),
        _Call("route53", "delete_health_check", {"HealthCheckId": "00000000-0000-4000-8000-000000000000"}),
    ]
    ec2 = [
        _Call("ec2", "describe_vpcs", {}),
        _Call("ec2", "describe_subnets", {}),
        _Call("ec2", "describe_instances", {}),
        _Call("ec2", "describe_route_tables", {}),
        _Call("ec2", "delete_internet_gateway", {"InternetGatewayId": "igw-00000000000000000"}),
        _Call("ec2", "delete_vpc", {"VpcId": "vpc-00000000000000000"}),
        _Call("ec2", "delete_subnet", {"SubnetId": "subnet-00000000000000000"}),
        _Call("ec2", "terminate_instances", {"InstanceIds": ["i-00000000000000000"]}),
    ]
    ecs = [
        _Call("ecs", "list_clusters", {}),
        _Call("ecs", "describe_services", {"cluster": _NO_RESOURCE, "services": [_NO_RESOURCE]}),
        _Call("ecs", "delete_service", {"cluster": _NO_RESOURCE, "service": _NO_RESOURCE}),
        _Call("ecs", "stop_task", {"cluster": _NO_RESOURCE, "task": _NO_RESOURCE}),
        _Call("ecs", "deregister_task_definition", {"taskDefinition": f"{_NO_RESOURCE}:1"}),
        _Call("ecs", "delete_cluster", {"cluster": _NO_RESOURCE}),
    ]
    chosen = {"route53": route53, "ec2": ec2, "ecs": ecs}
    return cloudmap + [call for feature, calls in chosen.items() if feature in features for call in calls]


def _permitted(target: Target, clients: Clients, call: _Call) -> None:
    client = clients.client(call.service, target.account or "", target.region)
    try:
        getattr(client, call.operation)(**call.params)
    except ClientError as error:
        if error_code(error) in _DENIED:
            name = client.meta.method_to_api_mapping[call.operation]
            raise _stop(
                f"{call.service}:{name} is denied in account {target.account}, and set-up or clean-up needs it: "
                f"{error.response['Error'].get('Message', '')}"
            ) from None
    except BotoCoreError as error:
        raise _stop(f"{call.service} of {target.name} cannot be reached: {error}") from None


def _stop(why: str) -> TargetUnavailable:
    return TargetUnavailable(f"{why}; nothing was created")
