"""Endpoints: questions from other networks arrive at inbound ones, and leave a VPC through outbound ones.

Source: Amazon Route 53 API Reference, route53resolver; Developer Guide, "Resolving DNS queries between VPCs and your
network".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from surveyor_emulator.aws.ec2.state import Subnet, ec2_state
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .lookup import changed, find, invalid, limit_exceeded, name_in, new_id, own_state, same_request, time_text
from .paging import filtered, page
from .state import EndpointAddress, ResolverEndpoint
from .tags import read_tags

__all__ = [
    "associate_resolver_endpoint_ip_address",
    "create_resolver_endpoint",
    "delete_resolver_endpoint",
    "disassociate_resolver_endpoint_ip_address",
    "get_resolver_endpoint",
    "list_resolver_endpoint_ip_addresses",
    "list_resolver_endpoints",
    "update_resolver_endpoint",
]

_KIND = "resolver-endpoint"
# "Even though the minimum is 1, Route 53 requires that you create at least two" (CreateResolverEndpoint.IpAddresses).
_MINIMUM = 2
_HEX = "0123456789abcdef"
_FILTERS = {
    "CreatorRequestId": lambda endpoint: endpoint.request_id,
    "Direction": lambda endpoint: endpoint.direction,
    "HostVPCId": lambda endpoint: endpoint.vpc,
    "IpAddressCount": lambda endpoint: len(endpoint.addresses),
    "Name": lambda endpoint: endpoint.name,
    "SecurityGroupIds": lambda endpoint: ",".join(endpoint.groups),
    "Status": lambda endpoint: endpoint.status,
}


def create_resolver_endpoint(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle CreateResolverEndpoint: it is CREATING until its addresses listen."""
    state = own_state(call)
    existing = same_request(state.endpoints, request)
    if existing is not None:
        raise ServiceError(
            "ResourceExistsException", f"an endpoint with this CreatorRequestId exists: {existing.id}",
            ResourceType=_KIND,
        )  # fmt: skip
    quotas = call.world.settings.quotas
    if len(state.endpoints) >= quotas.resolver_endpoints:
        raise limit_exceeded("resolver endpoints", quotas.resolver_endpoints)
    direction = request["Direction"]
    if direction == "INBOUND_DELEGATION" or request.get("ResolverEndpointType", "IPV4") != "IPV4":
        raise invalid("The embedded target has endpoints of IPv4 for INBOUND and OUTBOUND", "Direction")
    if list(request.get("Protocols") or ["Do53"]) != ["Do53"]:
        raise invalid("The embedded target has endpoints that speak Do53", "Protocols")
    wanted: Sequence[Mapping[str, Any]] = request["IpAddresses"]
    if len(wanted) > quotas.resolver_endpoint_addresses:
        raise limit_exceeded("addresses of an endpoint", quotas.resolver_endpoint_addresses)
    subnets = [_subnet(call, each) for each in wanted]
    vpc = subnets[0].vpc
    if any(subnet.vpc != vpc for subnet in subnets):
        raise ServiceError("InvalidRequestException", "The subnets of an endpoint belong to one VPC")
    groups = tuple(dict.fromkeys(request["SecurityGroupIds"]))
    _require_groups(call, groups, vpc)
    tags, name = read_tags(request.get("Tags") or ()), name_in(request)
    addresses = _assign(call, wanted, subnets)
    prefix = "rslvr-in" if direction == "INBOUND" else "rslvr-out"
    identity, arn = new_id(call, prefix, _KIND)
    endpoint = ResolverEndpoint(
        identity, arn, request["CreatorRequestId"], name, groups, direction, vpc, call.now, call.now
    )
    endpoint.addresses = {address.id: address for address in addresses}
    state.endpoints[identity] = endpoint
    state.tags[arn] = tags
    call.world.later(call.world.settings.resolver_endpoint, _complete, call, endpoint)
    call.note("resolver.endpoint.created", identity, vpc)
    return {"ResolverEndpoint": _shape(endpoint)}


def get_resolver_endpoint(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle GetResolverEndpoint."""
    return {"ResolverEndpoint": _shape(_find(call, request))}


def list_resolver_endpoints(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle ListResolverEndpoints, with filters."""
    found, token = page(filtered(own_state(call).endpoints.values(), request, _FILTERS), request)
    return {"MaxResults": int(request.get("MaxResults") or 10), "ResolverEndpoints": list(map(_shape, found)), **token}


def update_resolver_endpoint(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle UpdateResolverEndpoint: its name."""
    endpoint = _find(call, request)
    unsupported = {"ResolverEndpointType", "UpdateIpAddresses", "Protocols"} & request.keys()
    if unsupported and not (unsupported == {"Protocols"} and list(request["Protocols"]) == ["Do53"]):
        raise invalid(f"The embedded target does not change {', '.join(sorted(unsupported))}")
    endpoint.name, endpoint.modified = name_in(request) or endpoint.name, call.now
    return {"ResolverEndpoint": _shape(endpoint)}


def delete_resolver_endpoint(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle DeleteResolverEndpoint: its questions are no longer routed, from this call on.

    Refused while a rule names it (answer of AWS in rebuy-de/aws-nuke#586).
    """
    endpoint = _find(call, request)
    if endpoint.status == "DELETING":
        raise ServiceError("InvalidRequestException", f"{endpoint.id} is being deleted")
    rules = [rule.id for rule in own_state(call).rules.values() if rule.endpoint == endpoint.id]
    if rules:
        raise ServiceError(
            "InvalidRequestException",
            "[RSLVR-00600] Cannot delete resolver endpoint unless its related resolver rules are deleted. The following"
            f" rules still exist for this resolver endpoint: {', '.join(rules)}",
        )
    endpoint.status, endpoint.modified = "DELETING", call.now
    endpoint.message = "This Resolver Endpoint is being deleted."
    for address in endpoint.addresses.values():
        _silence(call, address)
        address.status = "DELETING"
    call.world.later(call.world.settings.resolver_endpoint, _remove, call, endpoint)
    changed(call)
    call.note("resolver.endpoint.deleted", endpoint.id, endpoint.vpc)
    return {"ResolverEndpoint": _shape(endpoint)}


def associate_resolver_endpoint_ip_address(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle AssociateResolverEndpointIpAddress: it is UPDATING until the new address listens."""
    endpoint, wanted = _find(call, request), request["IpAddress"]
    _require_operational(endpoint)
    limit = call.world.settings.quotas.resolver_endpoint_addresses
    if len(endpoint.addresses) >= limit:
        raise limit_exceeded("addresses of an endpoint", limit)
    subnet = _subnet(call, wanted)
    if subnet.vpc != endpoint.vpc:
        raise ServiceError("InvalidRequestException", f"{subnet.id} is not in {endpoint.vpc}")
    [address] = _assign(call, [wanted], [subnet])
    endpoint.addresses[address.id] = address
    _updating(call, endpoint)
    return {"ResolverEndpoint": _shape(endpoint)}


def disassociate_resolver_endpoint_ip_address(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle DisassociateResolverEndpointIpAddress; two addresses remain at least."""
    endpoint, wanted = _find(call, request), request["IpAddress"]
    _require_operational(endpoint)
    found = [
        address for address in endpoint.addresses.values()
        if wanted.get("IpId") in (None, address.id) and wanted.get("Ip") in (None, address.ip)
        and wanted.get("SubnetId") in (None, address.subnet)
    ]  # fmt: skip
    if not found:
        raise ServiceError("ResourceNotFoundException", f"{endpoint.id} has no such address", ResourceType=_KIND)
    if len(endpoint.addresses) <= _MINIMUM:
        raise ServiceError("InvalidRequestException", f"An endpoint has at least {_MINIMUM} addresses")
    address = found[0]
    _silence(call, address)
    _release(call, address)
    del endpoint.addresses[address.id]
    _updating(call, endpoint)
    return {"ResolverEndpoint": _shape(endpoint)}


def list_resolver_endpoint_ip_addresses(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle ListResolverEndpointIpAddresses."""
    found, token = page(list(_find(call, request).addresses.values()), request)
    shapes = [
        {
            "IpId": address.id, "SubnetId": address.subnet, "Ip": address.ip, "Status": address.status,
            "StatusMessage": "This IP address is operational." if address.status == "ATTACHED" else "",
            "CreationTime": time_text(address.created), "ModificationTime": time_text(address.modified),
        }
        for address in found
    ]  # fmt: skip
    return {"MaxResults": int(request.get("MaxResults") or 10), "IpAddresses": shapes, **token}


def _find(call: Call, request: Mapping[str, Any]) -> ResolverEndpoint:
    return find(own_state(call).endpoints, request["ResolverEndpointId"], _KIND)


def _subnet(call: Call, wanted: Mapping[str, Any]) -> Subnet:
    identity = wanted.get("SubnetId")
    found = ec2_state(call.world, call.account, call.region).subnets.get(str(identity))
    if found is None:
        raise ServiceError(
            "ResourceNotFoundException", f"The subnet '{identity}' does not exist", ResourceType="subnet"
        )
    if wanted.get("Ipv6") or found.native:
        raise invalid("The embedded target has endpoints of IPv4", "IpAddresses")
    return found


def _require_groups(call: Call, groups: Sequence[str], vpc: str) -> None:
    state = ec2_state(call.world, call.account, call.region)
    default = f"sg-{vpc.partition('-')[2]}"
    if not groups:
        raise invalid("An endpoint has at least one security group", "SecurityGroupIds")
    for group in groups:
        known = state.groups.get(group)
        if group != default and (known is None or known.vpc != vpc):
            raise invalid(f"The security group '{group}' does not exist in {vpc}", "SecurityGroupIds")


def _assign(call: Call, wanted: Sequence[Mapping[str, Any]], subnets: Sequence[Subnet]) -> list[EndpointAddress]:
    """Return an address for each of these, named or free; none is taken if one of them cannot be had."""
    taken: list[tuple[Subnet, IPv4Address]] = []
    for each, subnet in zip(wanted, subnets, strict=True):
        try:
            address = IPv4Address(each["Ip"]) if each.get("Ip") else subnet.next_free()
        except AddressValueError:
            address = None
        if address is None or not subnet.is_usable(address):
            for other, used in taken:
                other.used.discard(used)
            raise invalid(f"The address '{each.get('Ip') or subnet.id}' is not free in {subnet.id}", "IpAddresses")
        subnet.used.add(address)
        taken.append((subnet, address))
    return [
        EndpointAddress(
            f"rni-{call.world.new_id(17, _HEX)}", subnet.id, str(address), "CREATING", call.now, call.now
        )
        for subnet, address in taken
    ]  # fmt: skip


def _require_operational(endpoint: ResolverEndpoint) -> None:
    if endpoint.status != "OPERATIONAL":
        raise ServiceError("InvalidRequestException", f"{endpoint.id} is {endpoint.status}")


def _updating(call: Call, endpoint: ResolverEndpoint) -> None:
    endpoint.status, endpoint.modified = "UPDATING", call.now
    endpoint.message = "This Resolver Endpoint is being updated."
    call.world.later(call.world.settings.resolver_endpoint, _complete, call, endpoint)
    changed(call)


def _complete(call: Call, endpoint: ResolverEndpoint) -> None:
    """Have all addresses listen, unless the endpoint has been deleted meanwhile."""
    if endpoint.status == "DELETING":
        return
    for address in endpoint.addresses.values():
        if address.status == "CREATING":
            address.status, address.modified = "ATTACHED", call.now
            if endpoint.direction == "INBOUND" and call.world.inbound is not None:
                address.listens_at = call.world.inbound.open_inbound(
                    call.account, call.region, endpoint.vpc, address.ip
                )
    endpoint.status, endpoint.modified = "OPERATIONAL", call.now
    endpoint.message = "This Resolver Endpoint is operational."
    changed(call)


def _remove(call: Call, endpoint: ResolverEndpoint) -> None:
    for address in endpoint.addresses.values():
        _release(call, address)
    state = own_state(call)
    state.endpoints.pop(endpoint.id, None)
    state.tags.pop(endpoint.arn, None)


def _silence(call: Call, address: EndpointAddress) -> None:
    if address.listens_at is not None and call.world.inbound is not None:
        call.world.inbound.close_inbound(address.listens_at)
        address.listens_at = None


def _release(call: Call, address: EndpointAddress) -> None:
    subnet = ec2_state(call.world, call.account, call.region).subnets.get(address.subnet)
    if subnet is not None:
        subnet.used.discard(IPv4Address(address.ip))


def _shape(endpoint: ResolverEndpoint) -> Document:
    return {
        "Id": endpoint.id, "CreatorRequestId": endpoint.request_id, "Arn": endpoint.arn, "Name": endpoint.name,
        "SecurityGroupIds": list(endpoint.groups), "Direction": endpoint.direction,
        "IpAddressCount": len(endpoint.addresses), "HostVPCId": endpoint.vpc, "Status": endpoint.status,
        "StatusMessage": endpoint.message, "CreationTime": time_text(endpoint.created),
        "ModificationTime": time_text(endpoint.modified), "ResolverEndpointType": "IPV4", "Protocols": ["Do53"],
    }  # fmt: skip
