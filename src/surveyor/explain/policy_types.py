"""The types of policies that AWS names in a denial, and what helps against a denial by each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from surveyor_policies.model import PolicyKind

__all__ = ["POLICY_TYPES", "POSSIBLE", "PolicyType", "TypeName", "proposed_kind"]

TypeName = Literal["identity", "boundary", "session", "resource", "service-control", "resource-control", "vpc-endpoint"]


@dataclass(frozen=True)
class PolicyType:
    """A type of policy: its name in a sentence, and where it is changed."""

    name: str
    changed: str


POLICY_TYPES: dict[TypeName, PolicyType] = {
    "identity": PolicyType("an identity-based policy of the caller", "in IAM, at the user or role of the caller"),
    "boundary": PolicyType("the caller's permissions boundary", "by the administrator who set the boundary"),
    "session": PolicyType("the session policy", "where the session is started: AssumeRole or GetFederationToken"),
    "resource": PolicyType("the resource's policy", "at the resource; of a role it is the trust policy"),
    "service-control": PolicyType(
        "a service control policy", "in AWS Organizations, by the management account of the organization"
    ),
    "resource-control": PolicyType(
        "a resource control policy", "in AWS Organizations, by the management account of the resource's organization"
    ),
    "vpc-endpoint": PolicyType(
        "the policy of the VPC endpoint that the call passes through", "at the endpoint, in the VPC of the caller"
    ),
}

POSSIBLE = (
    "an identity-based policy, the permissions boundary, the session policy, the resource's policy, a service control "
    "or resource control policy of an organization, or the policy of a VPC endpoint"
)
"""What may decide where an answer names no policy (IAM User Guide, Policy evaluation logic)."""

_PROPOSED: dict[TypeName, PolicyKind] = {"identity": "identity", "session": "session", "resource": "resource"}


def proposed_kind(name: TypeName) -> PolicyKind | None:
    """Return the kind of policy in which an allow would help, None if the caller cannot add one that does.

    The others limit what is allowed elsewhere: a boundary, a policy of the organization or of an endpoint allows
    nothing by itself, and is not the caller's.
    """
    return _PROPOSED.get(name)
