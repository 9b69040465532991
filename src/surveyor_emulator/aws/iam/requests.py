"""IAM answers requests: moto stores, and what moto lacks is added here. IAM has one endpoint, whatever the Region."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from surveyor_emulator.aws.moto_requests import forward_to_moto, operations_of
from surveyor_emulator.core.http import Response
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import ParsedRequest
from surveyor_emulator.protocols.api_models import Model
from surveyor_emulator.protocols.query import QueryProtocol

from . import moto_store
from .permissions import user_name
from .policy_rules import check_policies

__all__ = ["answer", "load", "operations"]

_BOUNDARY_OPERATIONS = frozenset({"PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary"})
_ECS_PRINCIPAL = "ecs.amazonaws.com"
_ECS_POLICY = "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy"


def load(service: str) -> None:
    """Import moto's IAM, and the policies of AWS."""
    moto_store.load()


def operations(service: str, model: Model) -> AbstractSet[str]:
    """Return the operations that can be answered."""
    from moto.iam.responses import IamResponse

    return operations_of(IamResponse, model) | _BOUNDARY_OPERATIONS


def answer(call: Call, parsed: ParsedRequest, wire: QueryProtocol, request_id: str) -> Response:
    """Answer a request whose caller is known to be allowed to make it. Raises ServiceError."""
    from moto.iam.responses import IamResponse

    operation, params = parsed
    name = user_name(call, params)
    if name is not None:
        params = {**params, "UserName": name}
    check_policies(call, params)
    moto_store.record_change()
    # moto has boundaries of roles only. Forwarded is GetUser, which fails if there is no such user.
    is_boundary = operation in _BOUNDARY_OPERATIONS
    request = wire.write_request(*(("GetUser", {"UserName": name}) if is_boundary else (operation, params)))
    response = forward_to_moto(IamResponse, call, request, "https://iam.amazonaws.com")
    if response.status != 200:
        return response
    store = moto_store.backend(call.account)
    if is_boundary or operation == "CreateUser":
        user: Any = store.users[str(name)]
        user.permissions_boundary_arn = params.get("PermissionsBoundary")
    if operation == "CreateServiceLinkedRole" and params["AWSServiceName"] == _ECS_PRINCIPAL:
        store.attach_role_policy(_ECS_POLICY, "AWSServiceRoleForECS")
    if operation in ("CreateRole", "UpdateAssumeRolePolicy"):
        moto_store.record_trusted_principals(store.get_role(str(params["RoleName"])))
    return wire.write_result(operation, {}, request_id) if is_boundary else response
