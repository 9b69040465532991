"""AWS's managed policies in moto's IAM: parsed once, and copied for each account.

moto parses all of them, 1,500, for each account that calls any of its services; that takes 70 ms, and a copy 2 ms.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moto.iam.models import AWSManagedPolicy, IAMBackend

__all__ = ["share_aws_policies"]


def share_aws_policies() -> None:
    """Import moto's IAM and let each account have the managed policies of AWS. Call it before moto's first request."""
    from moto.iam.models import IAMBackend

    replaced: Any = IAMBackend
    replaced._init_aws_policies = _copy_aws_policies  # noqa: SLF001  # it parses anew


def _copy_aws_policies(store: IAMBackend) -> list[AWSManagedPolicy]:
    return [_copy(policy, store.account_id) for policy in _parse_aws_policies(store.region_name)]


def _copy(policy: AWSManagedPolicy, account: str) -> AWSManagedPolicy:
    copied = object.__new__(type(policy))  # copy.copy takes ten times as long
    copied.__dict__.update(policy.__dict__, account_id=account, versions=[*policy.versions], tags={})
    return copied


@functools.cache
def _parse_aws_policies(region: str) -> tuple[AWSManagedPolicy, ...]:
    from moto.iam.aws_managed_policies import aws_managed_policies_data
    from moto.iam.models import AWSManagedPolicy

    documents = json.loads(aws_managed_policies_data)
    return tuple(AWSManagedPolicy.from_data(name, "aws", region, document) for name, document in documents.items())
