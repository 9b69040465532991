"""Endpoints: inbound ones answer as the resolver of their VPC."""

from surveyor.testing import for_each, proves, raises, record_values


@proves("resolver.inbound.answers-as-the-vpc")
@for_each("tcp", {"UDP": False, "TCP": True})
def test_inbound_endpoint_answers_as_its_vpc(make_private_zone, query_endpoint, resolver_hub, second_vpc, domain, tcp):
    """Each address answers with the private zones of its VPC, with the newest of two of one name, and with NXDOMAIN."""
    name, only = f"web.{domain}", f"other.{domain}"
    make_private_zone(domain, resolver_hub.vpc, {name: "192.0.2.1"})
    make_private_zone(domain, second_vpc, {name: "192.0.2.2", only: "192.0.2.3"})
    assert len(resolver_hub.addresses) > 1
    for address in resolver_hub.addresses:
        answer = query_endpoint(name, "A", resolver_hub, address, tcp=tcp)
        assert record_values(answer, name, "A") == ["192.0.2.1"]
        assert query_endpoint(only, "A", resolver_hub, address, tcp=tcp).rcode().name == "NXDOMAIN"


@proves("resolver.endpoints.two-addresses")
@for_each("addresses", {"none": 0, "one": 1})
def test_endpoint_needs_two_addresses(resolver, ec2, resolver_hub, unique_name, addresses):
    """CreateResolverEndpoint with fewer than two addresses is refused, and creates nothing."""
    # CreateResolverEndpointRequest.IpAddresses: "Route 53 requires that you create at least two."
    name = unique_name("few")
    described = resolver.get_resolver_endpoint(ResolverEndpointId=resolver_hub.inbound)["ResolverEndpoint"]
    listed = resolver.list_resolver_endpoint_ip_addresses(ResolverEndpointId=resolver_hub.inbound)["IpAddresses"]
    wanted = [{"SubnetId": address["SubnetId"]} for address in listed][:addresses]
    with raises("InvalidParameterException"):
        resolver.create_resolver_endpoint(
            CreatorRequestId=name, Name=name, SecurityGroupIds=described["SecurityGroupIds"], Direction="INBOUND",
            IpAddresses=wanted,
        )  # fmt: skip
    found = resolver.list_resolver_endpoints(Filters=[{"Name": "Name", "Values": [name]}])["ResolverEndpoints"]
    assert found == []


@proves("resolver.endpoints.deleted-after-their-rules")
def test_endpoint_is_deleted_after_its_rules(resolver, make_rule, resolver_hub, domain):
    """DeleteResolverEndpoint is refused while a rule names the endpoint, which stays OPERATIONAL."""
    make_rule("FORWARD", domain, resolver_hub)
    with raises("InvalidRequestException"):
        resolver.delete_resolver_endpoint(ResolverEndpointId=resolver_hub.outbound)
    described = resolver.get_resolver_endpoint(ResolverEndpointId=resolver_hub.outbound)["ResolverEndpoint"]
    assert described["Status"] == "OPERATIONAL"
