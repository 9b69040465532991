"""The permissions that requests to AWS Lambda need (Service Authorization Reference, AWS Lambda)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from surveyor_emulator.aws.iam.action_resources import ActionTable, NamedResource, fill
from surveyor_emulator.core.world import Call

__all__ = ["permission_requests"]


def _function(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    """Find the function of a name or ARN."""
    name = str(params["FunctionName"]).rpartition(":function:")[2]
    yield NamedResource(fill("arn:aws:lambda:{region}:{account}:function:{name}", call, name))


permission_requests = ActionTable(
    types=[(_function, "CreateFunction DeleteFunction GetFunction")], without="ListFunctions", prefix="lambda"
).permission_requests
