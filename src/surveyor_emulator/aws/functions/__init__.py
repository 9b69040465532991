"""AWS Lambda, as far as lifecycle hooks of ECS deployments need it: functions in Python, which ECS invokes."""

from __future__ import annotations

from collections.abc import Mapping

from surveyor_emulator.aws.handler import Handler

from . import operations

__all__ = ["HANDLERS"]

HANDLERS: Mapping[str, Handler] = {
    "CreateFunction": operations.create_function,
    "DeleteFunction": operations.delete_function,
    "GetFunction": operations.get_function,
    "ListFunctions": operations.list_functions,
}
