"""Users of the embedded target with policies, and what their calls are answered with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from surveyor.targets.running import RunningTarget

ACCOUNT = "800000000007"
HERE = f"us-east-1:{ACCOUNT}"
PLAIN = Config(retries={"total_max_attempts": 1}, inject_host_prefix=False)
SESSION = Session()  # shared, since it keeps the models that it has loaded
ALL: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
TRUST = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
Request = tuple[str, str, Mapping[str, Any]]
"""A service, an operation of its client, and the parameters."""


def policy(*statements: Mapping[str, Any]) -> str:
    """Return a document with these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def code(call: Callable[..., Any], **params: Any) -> str:
    """Return the code of the error with which a call is answered; an empty text if it succeeds."""
    try:
        call(**params)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def is_denied(call: Callable[..., Any], **params: Any) -> bool:
    """Return whether a call is denied."""
    return code(call, **params) in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


class Users:
    """Users with one inline policy each."""

    def __init__(self, running: RunningTarget) -> None:
        self._running = running
        self._count = 0

    def __call__(self, *statements: Mapping[str, Any]) -> Callable[[str], Any]:
        """Create a user with these statements; return its clients."""
        iam, self._count = self._running.clients.client("iam", ACCOUNT), self._count + 1
        name = f"u{self._count}"
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return self.session(key["AccessKeyId"], key["SecretAccessKey"])

    def session(self, key: str, secret: str, token: str | None = None) -> Callable[[str], Any]:
        """Return the clients of these credentials."""
        credentials = {"aws_access_key_id": key, "aws_secret_access_key": secret, "aws_session_token": token}
        where = {"region_name": "us-east-1", "endpoint_url": self._running.endpoint, "config": PLAIN}
        create: Any = SESSION.create_client
        return lambda service: create(service, **where, **credentials)

    def assume(self, clients: Callable[[str], Any], role: str) -> Callable[[str], Any]:
        """Return the clients of a session of a role."""
        found = clients("sts").assume_role(RoleArn=role, RoleSessionName="night")["Credentials"]
        return self.session(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
