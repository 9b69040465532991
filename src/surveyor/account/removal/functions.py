"""Functions of AWS Lambda."""

from __future__ import annotations

from collections.abc import Sequence

from botocore.exceptions import ClientError

from surveyor.account.ledger import Resource
from surveyor.account.removal.account import Account, Problems, ignore_absent

__all__ = ["delete_functions", "find_function"]


def find_function(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the function's name, which is in the parameters of the call."""
    return resource.ids or (resource.parameters.get("FunctionName", ""),)


def delete_functions(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete functions with all their versions."""
    functions = account.client("lambda", region)
    problems: dict[str, str] = {}
    for name in ids:
        try:
            with ignore_absent("ResourceNotFoundException"):
                functions.delete_function(FunctionName=name)
        except ClientError as error:
            problems[name] = str(error)
    return problems
