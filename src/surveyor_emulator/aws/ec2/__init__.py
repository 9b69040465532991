"""The part of EC2 that service discovery needs: VPCs, subnets, security groups, and instances with an address."""

from __future__ import annotations

from .state import Vpc, private_address, vpcs_of

__all__ = ["Vpc", "private_address", "vpcs_of"]
