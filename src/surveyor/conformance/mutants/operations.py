"""Check that a mutant names an operation of AWS, and one whose answers its operator can change."""

from __future__ import annotations

from surveyor.conformance.mutants.model import Mutant
from surveyor.messages import nearest
from surveyor.service_models import service_model

__all__ = ["operation_problem"]

_SERVICES = ("servicediscovery", "route53", "ecs", "route53resolver", "sqs", "iam", "sts", "ec2", "elbv2", "logs")
"""Those of the suites by botocore's names, the most frequent ones first: a model takes some hundredths of a second."""

_UNKNOWN = "UnknownOperationException"
"""The error of a call of an operation that does not exist."""

_JSON_ONLY = frozenset({"drop", "set", "add", "first", "keep", "refuse", "ask-drop", "ask-set", "ask-add"})


def operation_problem(mutant: Mutant) -> str:
    """Return why the mutant cannot change its operation; "" if it can, or if it names none."""
    operation = mutant.details.get("operation")
    if operation is None or mutant.details.get("error") == _UNKNOWN:
        return ""
    known: list[str] = []
    for service in _SERVICES:
        model = service_model(service)
        if operation in model.operation_names:
            protocols: object = model.metadata.get("protocols", model.metadata["protocol"])
            if mutant.operator in _JSON_ONLY and "json" not in str(protocols):
                return f"operator {mutant.operator} changes JSON, and {operation} speaks XML: use replace"
            return ""
        known += model.operation_names
    return f"there is no operation {operation!r}{nearest(str(operation), known)}; write it without its service"
