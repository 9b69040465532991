"""VPCs as requests name them."""

from __future__ import annotations

from ..errors import ServiceError
from .shapes import VpcShape
from .state import VpcKey

__all__ = ["read_vpc"]


def read_vpc(shape: VpcShape) -> VpcKey:
    """Both members are needed, although the model calls them optional (route53/VPC)."""
    if not shape.get("VPCId"):
        raise ServiceError("InvalidVPCId", "VPC needs VPCId")
    if not shape.get("VPCRegion"):
        raise ServiceError("InvalidInput", "VPC needs VPCRegion")
    return VpcKey(shape["VPCId"], shape["VPCRegion"])
