"""EC2 instances as far as Cloud Map needs them (``AWS_EC2_INSTANCE_ID``): an id with a primary private address.

No machine runs. An instance is running as soon as RunInstances returns, and terminated after TerminateInstances.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address
from typing import cast

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .filters import FilterValues, apply_filters, paginate, select_by_id
from .groups import select_groups
from .state import Ec2State, Instance, Subnet, ec2_state, new_id
from .subnets import NOT_FOUND as SUBNET_NOT_FOUND
from .tags import TAG_FILTERS, specified_tags, tag_filter_values, tag_list

__all__ = ["describe_instances", "run_instances", "terminate_instances"]

NOT_FOUND = "InvalidInstanceID.NotFound"
MAX_RUNNING = 1_000  # instances; a limit of this target, since AWS counts virtual processors
TERMINATED_VISIBLE = 3_600.0  # service seconds; "visible for a while" (EC2 User Guide), an hour as observed
TOKEN_LIFETIME = 24 * 3_600.0  # service seconds
_STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48}
_FILTERS = TAG_FILTERS | {
    "availability-zone",
    "image-id",
    "instance-id",
    "instance-state-code",
    "instance-state-name",
    "instance-type",
    "owner-id",
    "private-dns-name",
    "private-ip-address",
    "reservation-id",
    "subnet-id",
    "vpc-id",
}


def run_instances(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle RunInstances: start as many as there are free addresses, between MinCount and MaxCount."""
    state = ec2_state(call.world, call.account, call.region)
    token = str(request.get("ClientToken") or "")
    if token in state.tokens and token:
        return _repeat_answer(call, state, token, request)
    min_count, max_count = cast("int", request["MinCount"]), cast("int", request["MaxCount"])
    image = str(request.get("ImageId") or "")
    if not image:
        raise ServiceError("MissingParameter", "The request must contain the parameter ImageId")
    if image.startswith("resolve:ssm:/"):
        image = _resolve_image(image)
    if not re.fullmatch(r"ami-[0-9a-f]{8}([0-9a-f]{9})?", image):
        raise ServiceError("InvalidAMIID.Malformed", f'Invalid id: "{image}" (expecting "ami-...")')
    if min_count < 1 or max_count < min_count:
        raise ServiceError("InvalidParameterValue", "MinCount must be at least 1, and MaxCount at least MinCount")
    tags = specified_tags(request, "instance", ("volume", "network-interface", "spot-instances-request"))
    subnet = _subnet(state, request)
    requested = _requested_address(request, subnet, max_count)
    count = min(max_count, subnet.free)
    if count < min_count:
        raise ServiceError("InsufficientFreeAddressesInSubnet", f"The subnet {subnet.id} has {subnet.free} addresses")
    if sum(instance.state == "running" for instance in state.instances.values()) + count > MAX_RUNNING:
        raise ServiceError("InstanceLimitExceeded", "You have reached the quota for the number of instances.")
    reservation = new_id("r", call.world.random)
    started = [_start(call, subnet, reservation, image, request, index, requested) for index in range(count)]
    for instance in started:
        state.instances[instance.id] = instance
        if tags:
            state.tags[instance.id] = dict(tags)
        call.note("ec2.instance.started", instance.id, instance.private_ip)
    if token:
        state.tokens[token] = (reservation, dict(request))
        call.world.clock.call_later(TOKEN_LIFETIME, state.tokens.pop, token)
    return _describe_reservation(call, state, reservation, started, state_name="pending")


def _resolve_image(parameter: str) -> str:
    """Return the image id for a Systems Manager parameter (EC2 User Guide): a hash of its name."""
    return f"ami-{hashlib.sha256(parameter.encode()).hexdigest()[:17]}"


def describe_instances(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DescribeInstances, by reservation."""
    state = ec2_state(call.world, call.account, call.region)

    def filter_values(instance: Instance) -> FilterValues:
        return {
            "availability-zone": (instance.zone,),
            "image-id": (instance.image,),
            "instance-id": (instance.id,),
            "instance-state-code": (str(_STATES[instance.state]),),
            "instance-state-name": (instance.state,),
            "instance-type": (instance.type,),
            "owner-id": (call.account,),
            "private-dns-name": (instance.private_dns,),
            "private-ip-address": (instance.private_ip,),
            "reservation-id": (instance.reservation,),
            "subnet-id": (instance.subnet,),
            "vpc-id": (instance.vpc,),
            **tag_filter_values(state.tags.get(instance.id, {})),
        }

    named = select_by_id(state.instances, request.get("InstanceIds"), NOT_FOUND)
    found, token = paginate(apply_filters(named, request, _FILTERS, filter_values), request)
    by_reservation: dict[str, list[Instance]] = {}
    for instance in found:
        by_reservation.setdefault(instance.reservation, []).append(instance)
    reservations = [
        _describe_reservation(call, state, reservation, group) for reservation, group in by_reservation.items()
    ]
    return {"Reservations": reservations, "NextToken": token}


def terminate_instances(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle TerminateInstances: addresses are free at once. Terminating twice is no error."""
    state = ec2_state(call.world, call.account, call.region)
    changes = []
    for instance in select_by_id(state.instances, request["InstanceIds"], NOT_FOUND):
        before, now = instance.state, "shutting-down"
        if before == "terminated":
            now = before
        else:
            state.subnets[instance.subnet].used.discard(IPv4Address(instance.private_ip))
            instance.state, instance.private_ip, instance.private_dns = "terminated", "", ""
            call.note("ec2.instance.terminated", instance.id)
            call.world.clock.call_later(TERMINATED_VISIBLE, _forget, state, instance.id)
        changes.append({"InstanceId": instance.id, "PreviousState": _state(before), "CurrentState": _state(now)})
    return {"TerminatingInstances": changes}


def _forget(state: Ec2State, instance: str) -> None:
    del state.instances[instance]
    state.tags.pop(instance, None)


def _repeat_answer(call: Call, state: Ec2State, token: str, request: Mapping[str, object]) -> dict[str, object]:
    """Return the first answer again to a repeated client token (EC2 Developer Guide, Ensuring idempotency)."""
    reservation, first = state.tokens[token]
    if first != request:
        raise ServiceError("IdempotentParameterMismatch", "The client token was used with other parameters")
    started = [instance for instance in state.instances.values() if instance.reservation == reservation]
    return _describe_reservation(call, state, reservation, started)


def _subnet(state: Ec2State, request: Mapping[str, object]) -> Subnet:
    if request.get("SubnetId"):
        return select_by_id(state.subnets, [request["SubnetId"]], SUBNET_NOT_FOUND)[0]
    placement = cast("dict[str, str]", request.get("Placement") or {})
    for subnet in state.subnets.values():
        if subnet.is_default and placement.get("AvailabilityZone") in (None, subnet.zone):
            return subnet
    raise ServiceError("VPCIdNotSpecified", "There is no default VPC with a subnet; the request must name a SubnetId")


def _requested_address(request: Mapping[str, object], subnet: Subnet, max_count: int) -> IPv4Address | None:
    """Return the private address that the request names, if any."""
    text = request.get("PrivateIpAddress")
    if not text:
        return None
    try:
        address = IPv4Address(str(text))
    except AddressValueError:
        raise ServiceError("InvalidParameterValue", f"invalid value for parameter address: {text}") from None
    if max_count > 1:
        raise ServiceError("InvalidParameterCombination", "A private address can be assigned to one instance only")
    if address in subnet.used:
        raise ServiceError("InvalidIPAddress.InUse", f"Address {address} is in use.")
    if not subnet.is_usable(address):
        raise ServiceError(
            "InvalidParameterValue", f"Address {address} does not fall within the subnet's address range"
        )
    return address


def _start(
    call: Call,
    subnet: Subnet,
    reservation: str,
    image: str,
    request: Mapping[str, object],
    index: int,
    requested: IPv4Address | None,
) -> Instance:
    address = requested or subnet.next_free()
    assert address is not None  # free addresses were counted before
    subnet.used.add(address)
    domain = "ec2.internal" if call.region == "us-east-1" else f"{call.region}.compute.internal"
    return Instance(
        id=new_id("i", call.world.random),
        reservation=reservation,
        image=image,
        type=str(request.get("InstanceType") or "m1.small"),
        subnet=subnet.id,
        vpc=subnet.vpc,
        zone=subnet.zone,
        private_ip=str(address),
        private_dns=f"ip-{str(address).replace('.', '-')}.{domain}",
        launched=call.now,
        index=index,
        client_token=str(request.get("ClientToken") or ""),
        user_data=str(request.get("UserData") or ""),
        groups=select_groups(ec2_state(call.world, call.account, call.region), request, subnet.vpc),
        has_public_ip=subnet.map_public,
    )


def _state(name: str) -> dict[str, object]:
    return {"Code": _STATES[name], "Name": name}


def _describe_reservation(
    call: Call, state: Ec2State, reservation: str, instances: list[Instance], state_name: str | None = None
) -> dict[str, object]:
    return {
        "ReservationId": reservation,
        "OwnerId": call.account,
        "Groups": [],
        "Instances": [_describe(state, instance, state_name or instance.state) for instance in instances],
    }


def _describe(state: Ec2State, instance: Instance, state_name: str) -> dict[str, object]:
    shape: dict[str, object] = {
        "InstanceId": instance.id,
        "ImageId": instance.image,
        "InstanceType": instance.type,
        "State": _state(state_name),
        "AmiLaunchIndex": instance.index,
        "ClientToken": instance.client_token,
        "LaunchTime": instance.launched,
        "Placement": {"AvailabilityZone": instance.zone, "Tenancy": "default"},
        "PrivateDnsName": instance.private_dns,
        "PublicDnsName": "",
        "Tags": tag_list(state.tags.get(instance.id, {})),
    }
    if instance.private_ip:
        shape |= {"PrivateIpAddress": instance.private_ip, "SubnetId": instance.subnet, "VpcId": instance.vpc}
    return shape
