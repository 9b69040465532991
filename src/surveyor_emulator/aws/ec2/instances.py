"""Instances in the small: an id with a primary private address, which Cloud Map asks for (``AWS_EC2_INSTANCE_ID``).

Nothing runs. An instance is running as soon as it is asked for, and terminated as soon as that is asked for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address
from typing import cast

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .filters import Facts, filtered, page, picked
from .groups import chosen_groups
from .state import Ec2State, Instance, Subnet, ec2_state, new_id
from .subnets import NOT_FOUND as SUBNET_NOT_FOUND
from .tags import TAG_FILTERS, specified_tags, tag_facts, tag_list

__all__ = ["describe_instances", "run_instances", "terminate_instances"]

NOT_FOUND = "InvalidInstanceID.NotFound"
MOST = 1_000  # running at once; a bound of this target's own, since AWS counts virtual processors
REMEMBERED = 3_600.0  # service seconds; "visible for a while" after termination (EC2 User Guide), an hour as seen
TOKENS_KEPT = 24 * 3_600.0
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
    """RunInstances: as many as there are addresses for, between MinCount and MaxCount."""
    state = ec2_state(call.world, call.account, call.region)
    token = str(request.get("ClientToken") or "")
    if token in state.tokens and token:
        return _again(call, state, token, request)
    least, most = cast("int", request["MinCount"]), cast("int", request["MaxCount"])
    image = str(request.get("ImageId") or "")
    if not image:
        raise ServiceError("MissingParameter", "The request must contain the parameter ImageId")
    if image.startswith("resolve:ssm:/"):
        image = _published(image)
    if not re.fullmatch(r"ami-[0-9a-f]{8}([0-9a-f]{9})?", image):
        raise ServiceError("InvalidAMIID.Malformed", f'Invalid id: "{image}" (expecting "ami-...")')
    if least < 1 or most < least:
        raise ServiceError("InvalidParameterValue", "MinCount is to be at least 1, and MaxCount not less than it")
    tags = specified_tags(request, "instance")
    subnet = _subnet(state, request)
    wanted = _wanted(request, subnet, most)
    count = min(most, subnet.free)
    if count < least:
        raise ServiceError("InsufficientFreeAddressesInSubnet", f"The subnet {subnet.id} has {subnet.free} addresses")
    if sum(instance.state == "running" for instance in state.instances.values()) + count > MOST:
        raise ServiceError("InstanceLimitExceeded", "You have reached the quota for the number of instances.")
    reservation = new_id("r", call.world.chance)
    made = [_make(call, subnet, reservation, image, request, index, wanted) for index in range(count)]
    for instance in made:
        state.instances[instance.id] = instance
        if tags:
            state.tags[instance.id] = dict(tags)
        call.note("ec2.instance.started", instance.id, instance.private_ip)
    if token:
        state.tokens[token] = (reservation, dict(request))
        call.world.clock.call_later(TOKENS_KEPT, state.tokens.pop, token)
    return _reservation(call, state, reservation, made, answering="pending")


def _published(parameter: str) -> str:
    """The image that a Systems Manager parameter names (EC2 User Guide); there is none here: one id for each name."""
    return f"ami-{hashlib.sha256(parameter.encode()).hexdigest()[:17]}"


def describe_instances(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """DescribeInstances, by reservation."""
    state = ec2_state(call.world, call.account, call.region)

    def facts(instance: Instance) -> Facts:
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
            **tag_facts(state.tags.get(instance.id, {})),
        }

    named = picked(state.instances, request.get("InstanceIds"), NOT_FOUND)
    found, token = page(filtered(named, request, _FILTERS, facts), request)
    by_reservation: dict[str, list[Instance]] = {}
    for instance in found:
        by_reservation.setdefault(instance.reservation, []).append(instance)
    told = [_reservation(call, state, reservation, group) for reservation, group in by_reservation.items()]
    return {"Reservations": told, "NextToken": token}


def terminate_instances(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """TerminateInstances: their addresses are free again at once. Asking twice is no error."""
    state = ec2_state(call.world, call.account, call.region)
    changes = []
    for instance in picked(state.instances, request["InstanceIds"], NOT_FOUND):
        before, now = instance.state, "shutting-down"
        if before == "terminated":
            now = before
        else:
            state.subnets[instance.subnet].taken.discard(IPv4Address(instance.private_ip))
            instance.state, instance.private_ip, instance.private_dns = "terminated", "", ""
            call.note("ec2.instance.terminated", instance.id)
            call.world.clock.call_later(REMEMBERED, _forget, state, instance.id)
        changes.append({"InstanceId": instance.id, "PreviousState": _state(before), "CurrentState": _state(now)})
    return {"TerminatingInstances": changes}


def _forget(state: Ec2State, instance: str) -> None:
    del state.instances[instance]
    state.tags.pop(instance, None)


def _again(call: Call, state: Ec2State, token: str, request: Mapping[str, object]) -> dict[str, object]:
    """A client token seen before: the same answer to the same request (EC2 Developer Guide, Ensuring idempotency)."""
    reservation, first = state.tokens[token]
    if first != request:
        raise ServiceError("IdempotentParameterMismatch", "The client token was used with other parameters")
    made = [instance for instance in state.instances.values() if instance.reservation == reservation]
    return _reservation(call, state, reservation, made)


def _subnet(state: Ec2State, request: Mapping[str, object]) -> Subnet:
    if request.get("SubnetId"):
        return picked(state.subnets, [request["SubnetId"]], SUBNET_NOT_FOUND)[0]
    placement = cast("dict[str, str]", request.get("Placement") or {})
    for subnet in state.subnets.values():
        if subnet.is_default and placement.get("AvailabilityZone") in (None, subnet.zone):
            return subnet
    raise ServiceError("VPCIdNotSpecified", "There is no default VPC with a subnet; the request must name a SubnetId")


def _wanted(request: Mapping[str, object], subnet: Subnet, most: int) -> IPv4Address | None:
    """The address that the request asks for, if it does."""
    text = request.get("PrivateIpAddress")
    if not text:
        return None
    try:
        address = IPv4Address(str(text))
    except AddressValueError:
        raise ServiceError("InvalidParameterValue", f"invalid value for parameter address: {text}") from None
    if most > 1:
        raise ServiceError("InvalidParameterCombination", "A private address can be given to one instance only")
    if address in subnet.taken:
        raise ServiceError("InvalidIPAddress.InUse", f"Address {address} is in use.")
    if not subnet.usable(address):
        raise ServiceError(
            "InvalidParameterValue", f"Address {address} does not fall within the subnet's address range"
        )
    return address


def _make(
    call: Call,
    subnet: Subnet,
    reservation: str,
    image: str,
    request: Mapping[str, object],
    index: int,
    wanted: IPv4Address | None,
) -> Instance:
    address = wanted or subnet.next_free()
    assert address is not None  # they were counted
    subnet.taken.add(address)
    domain = "ec2.internal" if call.region == "us-east-1" else f"{call.region}.compute.internal"
    return Instance(
        id=new_id("i", call.world.chance),
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
        groups=chosen_groups(ec2_state(call.world, call.account, call.region), request, subnet.vpc),
    )


def _state(name: str) -> dict[str, object]:
    return {"Code": _STATES[name], "Name": name}


def _reservation(
    call: Call, state: Ec2State, reservation: str, made: list[Instance], answering: str | None = None
) -> dict[str, object]:
    return {
        "ReservationId": reservation,
        "OwnerId": call.account,
        "Groups": [],
        "Instances": [_told(state, instance, answering or instance.state) for instance in made],
    }


def _told(state: Ec2State, instance: Instance, name: str) -> dict[str, object]:
    told: dict[str, object] = {
        "InstanceId": instance.id,
        "ImageId": instance.image,
        "InstanceType": instance.type,
        "State": _state(name),
        "AmiLaunchIndex": instance.index,
        "ClientToken": instance.client_token,
        "LaunchTime": instance.launched,
        "Placement": {"AvailabilityZone": instance.zone, "Tenancy": "default"},
        "PrivateDnsName": instance.private_dns,
        "PublicDnsName": "",
        "Tags": tag_list(state.tags.get(instance.id, {})),
    }
    if instance.private_ip:
        told |= {"PrivateIpAddress": instance.private_ip, "SubnetId": instance.subnet, "VpcId": instance.vpc}
    return told
