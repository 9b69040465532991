"""Private certificate authorities: those of moto's AWS Private CA in the same process.

ECS Developer Guide, Encrypt Amazon ECS Service Connect traffic: the authority is active, and tagged AmazonECSManaged.
"""

from __future__ import annotations

from surveyor_emulator.aws.ecs.lookup import invalid_parameter
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.service_connect.authority import Authority

__all__ = ["find_authority"]

TAG = "AmazonECSManaged"


def find_authority(call: Call, arn: str) -> Authority:
    """Return the authority's certificate and key. Raises InvalidParameterException if it cannot be used."""
    from moto.acmpca.exceptions import ResourceNotFoundException  # loaded only if TLS is used
    from moto.acmpca.models import acmpca_backends

    owner = arn.split(":")[4] if arn.count(":") >= 5 else call.account
    backend = acmpca_backends[owner][call.region]
    try:
        authority = backend.describe_certificate_authority(arn)
    except ResourceNotFoundException:
        raise invalid_parameter(f"there is no certificate authority {arn}") from None
    if authority.status != "ACTIVE":
        raise invalid_parameter(f"the certificate authority {arn} is {authority.status}, not ACTIVE")
    tags = {tag["Key"]: tag.get("Value") for tag in backend.list_tags(arn)["Tags"]}
    if tags.get(TAG) != "true":
        raise invalid_parameter(f"the certificate authority {arn} lacks the tag {TAG}=true")
    return Authority(authority.certificate_bytes, authority.private_bytes, authority.password)
