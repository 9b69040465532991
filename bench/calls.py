"""Create signed requests as bytes before a measurement, so that signing is not measured."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

__all__ = ["Account", "client", "create_user", "discover", "register"]

REGION = "us-east-1"
TARGET = "Route53AutoNaming_v20170314"
SIGNATURES = 200


class Account:
    """An endpoint and the credentials for it. An account id as access key selects that account on every server."""

    def __init__(self, host: str, port: int, key: str = "123456789012", secret: str = "surveyor") -> None:
        self.host, self.port = host, port
        self.credentials = Credentials(key, secret)

    @property
    def endpoint(self) -> str:
        """Return the URL of the server."""
        return f"http://{self.host}:{self.port}"

    def sign(self, operation: str, params: dict[str, object]) -> bytes:
        """Return one complete request as bytes."""
        body = json.dumps(params).encode()
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"{TARGET}.{operation}",
            "amz-sdk-invocation-id": str(uuid.uuid4()),  # as SDKs send it: each request has another signature
        }
        request = AWSRequest("POST", f"{self.endpoint}/", headers=headers, data=body)
        SigV4Auth(self.credentials, "servicediscovery", REGION).add_auth(request)
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        head = [
            "POST / HTTP/1.1",
            f"Host: {self.host}:{self.port}",
            *lines,
            f"Content-Length: {len(body)}",
        ]
        return ("\r\n".join(head) + "\r\n\r\n").encode() + body


def discover(account: Account, namespace: str, service: str) -> Iterator[bytes]:
    """Yield the same DiscoverInstances call without end, with the default MaxResults and different signatures."""
    params: dict[str, object] = {"NamespaceName": namespace, "ServiceName": service}
    return itertools.cycle([account.sign("DiscoverInstances", params) for _ in range(SIGNATURES)])


def register(account: Account, service_id: str, prefix: str, count: int) -> Iterator[bytes]:
    """Return ``count`` RegisterInstance requests, each for a different instance."""
    requests = [
        account.sign(
            "RegisterInstance",
            {
                "ServiceId": service_id,
                "InstanceId": f"{prefix}-{number}",
                "CreatorRequestId": f"{prefix}-{number}",
                "Attributes": attributes(number),
            },
        )
        for number in range(count)
    ]
    return iter(requests)


def attributes(number: int) -> dict[str, str]:
    """Return the attributes that an ECS task registers with: address, port, zone, cluster and family."""
    return {
        "AWS_INSTANCE_IPV4": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
        "AWS_INSTANCE_PORT": "8080",
        "AVAILABILITY_ZONE": f"us-east-1{'abc'[number % 3]}",
        "ECS_CLUSTER_NAME": "bench",
        "ECS_TASK_DEFINITION_FAMILY": "backend",
    }


def create_user(account: Account) -> Account:
    """Create a user with three policies, as users typically have: an inline one, a managed one, and one of a group."""
    iam: Any = client(account, "iam")
    iam.create_user(UserName="bench")
    inline = {"Effect": "Allow", "Action": ["servicediscovery:Discover*", "logs:PutLogEvents"], "Resource": "*",
              "Condition": {"StringEquals": {"servicediscovery:NamespaceName": "bench"}}}  # fmt: skip
    denied = {"Effect": "Deny", "Action": "servicediscovery:Delete*", "Resource": "*"}
    for name, put, statement in (
        ("UserName", iam.put_user_policy, inline),
        ("GroupName", iam.put_group_policy, denied),
    ):
        if name == "GroupName":
            iam.create_group(GroupName="bench")
            iam.add_user_to_group(GroupName="bench", UserName="bench")
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        put(**{name: "bench"}, PolicyName="bench", PolicyDocument=document)
    iam.attach_user_policy(UserName="bench", PolicyArn="arn:aws:iam::aws:policy/AWSCloudMapDiscoverInstanceAccess")
    key = iam.create_access_key(UserName="bench")["AccessKey"]
    return Account(account.host, account.port, key["AccessKeyId"], key["SecretAccessKey"])


def client(account: Account, service: str = "servicediscovery") -> object:
    """Return a botocore client for calls that are not measured."""
    return botocore.session.get_session().create_client(
        service,
        region_name=REGION,
        endpoint_url=account.endpoint,
        aws_access_key_id=account.credentials.access_key,
        aws_secret_access_key=account.credentials.secret_key,
        config=Config(inject_host_prefix=False, proxies={}, retries={"total_max_attempts": 1}),
    )
