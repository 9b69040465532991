"""Private certificate authorities, which are moto's AWS Private CA in the same process.

ECS Developer Guide, Encrypt Amazon ECS Service Connect traffic: the authority is active, and tagged AmazonECSManaged.
"""

from __future__ import annotations

from surveyor_emulator.aws.ecs.lookup import invalid_parameter
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.service_connect.authority import Authority

__all__ = ["authority"]

TAG = "AmazonECSManaged"


def authority(call: Call, arn: str) -> Authority:
    """The authority's certificate and key. Raises InvalidParameterException where it cannot be used."""
    from moto.acmpca.exceptions import ResourceNotFoundException  # loaded only for those who use TLS
    from moto.acmpca.models import acmpca_backends

    owner = arn.split(":")[4] if arn.count(":") >= 5 else call.account
    backend = acmpca_backends[owner][call.region]
    try:
        found = backend.describe_certificate_authority(arn)
    except ResourceNotFoundException:
        raise invalid_parameter(f"there is no certificate authority {arn}") from None
    if found.status != "ACTIVE":
        raise invalid_parameter(f"the certificate authority {arn} is {found.status}, not ACTIVE")
    tags = {one["Key"]: one.get("Value") for one in backend.list_tags(arn)["Tags"]}
    if tags.get(TAG) != "true":
        raise invalid_parameter(f"the certificate authority {arn} lacks the tag {TAG}=true")
    return Authority(found.certificate_bytes, found.private_bytes, found.password)
