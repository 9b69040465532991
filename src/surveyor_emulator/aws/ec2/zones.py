"""Regions and availability zones."""

from __future__ import annotations

from collections.abc import Mapping

from surveyor_emulator.core.world import Call

from .filters import FilterValues, apply_filters, select_by_id
from .state import zone_names

__all__ = ["describe_availability_zones", "describe_regions", "zone_id"]

# AWS Account Management Reference Guide, "Enable or disable AWS Regions": regions that are enabled by default.
REGIONS = (
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
)
_COMPASS = {
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "central": "c",
    "northeast": "ne",
    "southeast": "se",
}


def describe_regions(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DescribeRegions: return the regions that every account has."""

    def endpoint(region: str) -> str:
        return f"ec2.{region}.amazonaws.com"

    def filter_values(region: str) -> FilterValues:
        return {
            "region-name": (region,),
            "endpoint": (endpoint(region),),
            "opt-in-status": ("opt-in-not-required",),
        }

    named = select_by_id({region: region for region in REGIONS}, request.get("RegionNames"), "InvalidParameterValue")
    found = apply_filters(named, request, frozenset({"region-name", "endpoint", "opt-in-status"}), filter_values)
    return {
        "Regions": [
            {"RegionName": region, "Endpoint": endpoint(region), "OptInStatus": "opt-in-not-required"}
            for region in found
        ]
    }


def describe_availability_zones(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DescribeAvailabilityZones of the called region."""
    names = zone_names(call.region)

    def filter_values(zone: str) -> FilterValues:
        return {
            "group-name": (call.region,),
            "opt-in-status": ("opt-in-not-required",),
            "region-name": (call.region,),
            "state": ("available",),
            "zone-id": (zone_id(zone),),
            "zone-name": (zone,),
            "zone-type": ("availability-zone",),
        }

    named = select_by_id({zone: zone for zone in names}, request.get("ZoneNames"), "InvalidParameterValue")
    by_id = select_by_id({zone_id(zone): zone for zone in names}, request.get("ZoneIds"), "InvalidParameterValue")
    known = frozenset(filter_values(names[0]))
    found = apply_filters([zone for zone in named if zone in by_id], request, known, filter_values)
    return {
        "AvailabilityZones": [
            {
                "ZoneName": zone,
                "ZoneId": zone_id(zone),
                "RegionName": call.region,
                "GroupName": call.region,
                "NetworkBorderGroup": call.region,
                "ZoneType": "availability-zone",
                "State": "available",
                "OptInStatus": "opt-in-not-required",
                "Messages": [],
            }
            for zone in found
        ]
    }


def zone_id(zone: str) -> str:
    """Return the id of a zone, ``use1-az1`` for ``us-east-1a``; in AWS the mapping differs between accounts."""
    region, letter = zone[:-1], zone[-1]
    parts = region.split("-")
    short = "".join(_COMPASS.get(part, part) for part in parts)
    return f"{short}-az{ord(letter) - ord('a') + 1}"
