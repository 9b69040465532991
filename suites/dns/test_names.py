"""Names under which a service is answered."""

import dns.message

from surveyor.testing import dns_config, for_each, proves, record_values, timeouts

# By record type: the attributes of an instance, and the value of its record.
INSTANCES = {
    "A": ({"AWS_INSTANCE_IPV4": "192.0.2.44"}, "192.0.2.44"),
    "AAAA": ({"AWS_INSTANCE_IPV6": "2001:db8::44"}, "2001:db8::44"),
    "SRV": ({"AWS_INSTANCE_IPV4": "192.0.2.45", "AWS_INSTANCE_PORT": "8080"}, "1 1 8080 i-1.{name}."),
    "CNAME": ({"AWS_INSTANCE_CNAME": "www.example.org"}, "www.example.org."),
}


def config(rdtype, ttl=60):
    """Return a DnsConfig with one record; a CNAME record needs WEIGHTED."""
    return dns_config(rdtype, ttl=ttl, policy="WEIGHTED" if rdtype == "CNAME" else "MULTIVALUE")


@proves("dns.names-are-service-and-namespace")
@for_each("kind", ["private", "public"])
def test_service_is_found_in_its_namespace(
    namespace_of_kind, make_service, register_all, query_dns, make_resolver, clock, kind
):
    """Services with records of each type are answered as service.namespace, also through dnspython's resolver."""
    # CreatePublicDnsNamespace: "the resulting DNS name for the service is backend.example.com"
    namespace = namespace_of_kind(kind)
    services = {rdtype: make_service(namespace, DnsConfig=config(rdtype)) for rdtype in INSTANCES}
    for rdtype, service in services.items():
        register_all(service, {"i-1": INSTANCES[rdtype][0]})
    clock.wait(timeouts.DNS_CHANGE)
    resolver = make_resolver(namespace)
    for rdtype, service in services.items():
        name = f"{service['Name']}.{namespace['Name']}"
        expected = INSTANCES[rdtype][1].format(name=name)
        assert record_values(query_dns(name, rdtype, namespace), name, rdtype) == [expected]
        assert [record.to_text() for record in resolver.resolve(f"{name}.", rdtype)] == [expected]


@proves("dns.names.case-insensitive")
@for_each("kind", ["private", "public"])
def test_case_of_letters_does_not_matter(publish, namespace_of_kind, unique_name, query_dns, kind):
    """A service named in upper and lower case is answered in any case, for each record type that it has."""
    # RFC 4343: 'Domain Name System (DNS) names are "case insensitive".'
    namespace = namespace_of_kind(kind)
    attributes = {"AWS_INSTANCE_IPV4": "192.0.2.44", "AWS_INSTANCE_IPV6": "2001:db8::44"}
    name = publish(namespace, dns_config("A", "AAAA"), {"i-1": attributes}, unique_name("Web"))
    for spelling in (name, name.lower(), name.upper(), name.title(), name.swapcase()):
        assert record_values(query_dns(spelling, "A", namespace), name, "A") == ["192.0.2.44"]
        assert record_values(query_dns(spelling, "AAAA", namespace), name, "AAAA") == ["2001:db8::44"]


@proves("dns.question-keeps-its-case")
@for_each("kind", ["private", "public"])
def test_question_is_returned_as_sent(publish, namespace_of_kind, query_dns, kind):
    """Each response, positive or negative, has the question with upper and lower case as in the query."""
    namespace = namespace_of_kind(kind)
    name = publish(namespace, dns_config("A"), {"i-1": {"AWS_INSTANCE_IPV4": "192.0.2.44"}})
    for spelling in (name, name.upper(), name.title(), f"Absent.{name}") * 2:  # a cache must not answer another case
        [question] = query_dns(spelling, "A", namespace).question
        assert question.name.to_text() == f"{spelling}."


@proves("dns.unchecked-instances-count-as-healthy")
@for_each("policy", ["MULTIVALUE", "WEIGHTED"])
@for_each("rdtype", ["A", "AAAA", "SRV"])
def test_address_without_a_listener_is_answered(publish, query_dns, clock, public_namespace, rdtype, policy):
    """Without a health check an address at which nothing listens is answered, and still is two minutes later."""
    # DnsConfig.RoutingPolicy: "If you don't define a health check for the service, Route 53 assumes that all
    # instances are healthy"
    attributes, expected = INSTANCES[rdtype]  # RFC 5737 and 3849: no host has these addresses
    instances = {"i-1": {**attributes, "AWS_INSTANCE_PORT": "8080"}}
    name = publish(public_namespace, dns_config(rdtype, ttl=0, policy=policy), instances)
    for _ in range(2):
        answer = query_dns(name, rdtype, public_namespace)
        assert record_values(answer, name, rdtype) == [expected.format(name=name)]
        clock.wait(120)


@proves("dns.ttl.is-the-configured-one")
@for_each("policy", ["MULTIVALUE", "WEIGHTED"])
def test_answers_of_name_servers_have_the_configured_ttl(
    make_service, register_all, query_dns, clock, public_namespace, policy
):
    """Records of each type have exactly the TTL of the service: A and AAAA of one service each their own."""
    # DnsRecord.TTL: "The amount of time, in seconds, that you want DNS resolvers to cache the settings …"
    both = {"AWS_INSTANCE_IPV6": "2001:db8::{}", "AWS_INSTANCE_IPV4": "192.0.2.{}", "AWS_INSTANCE_PORT": "80"}
    cname = {"AWS_INSTANCE_CNAME": "www-{}.example.org"}
    cases = [({"A": 17, "AAAA": 43}, both), ({"AAAA": 0}, both), ({"A": 2147483647}, both), ({"SRV": 301}, both)]
    if policy == "WEIGHTED":
        cases.append(({"CNAME": 86399}, cname))
    services = []
    for ttls, attributes in cases:
        records = [{"Type": rdtype, "TTL": ttl} for rdtype, ttl in ttls.items()]
        services.append(make_service(public_namespace, DnsConfig={"RoutingPolicy": policy, "DnsRecords": records}))
        last = {f"i-{number}": {key: text.format(number) for key, text in attributes.items()} for number in (1, 2)}
        register_all(services[-1], last)
    clock.wait(timeouts.DNS_CHANGE)
    for service, (ttls, _) in zip(services, cases, strict=True):
        for rdtype, ttl in ttls.items():
            wire = query_dns(f"{service['Name']}.{public_namespace['Name']}", rdtype, public_namespace).wire
            answer = dns.message.from_wire(wire, one_rr_per_rrset=True).answer
            assert [record.ttl for record in answer] == [ttl] * (2 if policy == "MULTIVALUE" else 1)


@proves("dns.ttl.is-the-configured-one")
def test_answers_of_a_resolver_have_no_higher_ttl(publish, query_dns, private_namespace):
    """The resolver of a VPC, which may cache, answers with the configured TTL or what is left of it."""
    name = publish(private_namespace, dns_config("A", ttl=600), {"i-1": {"AWS_INSTANCE_IPV4": "192.0.2.1"}})
    for _ in range(2):
        [answer] = query_dns(name, "A", private_namespace).answer
        assert 1 <= answer.ttl <= 600


@proves("dns.ttl.follows-update-service")
@for_each("policy", ["MULTIVALUE", "WEIGHTED"])
def test_update_service_changes_the_ttl(
    cloudmap, make_service, register_all, wait_for_success, query_dns, eventually, public_namespace, policy
):
    """UpdateService changes the TTL of one record type of a service, of all its instances and of later ones."""
    # UpdateService: "Update the TTL setting for existing DnsRecords configurations"
    service = make_service(public_namespace, DnsConfig=dns_config("A", "AAAA", ttl=60, policy=policy))
    addresses = {n: {"AWS_INSTANCE_IPV4": f"192.0.2.{n}", "AWS_INSTANCE_IPV6": f"2001:db8::{n}"} for n in range(1, 4)}
    register_all(service, {f"i-{n}": attributes for n, attributes in addresses.items()})
    name = f"{service['Name']}.{public_namespace['Name']}"

    def ttls(rdtype):
        answers = [query_dns(name, rdtype, public_namespace).wire for _ in range(8 if policy == "WEIGHTED" else 1)]
        return {record.ttl for wire in answers for record in dns.message.from_wire(wire, one_rr_per_rrset=True).answer}

    for number, (a, aaaa) in enumerate([(60, 60), (15, 60), (15, 0)]):
        if number:
            records = [{"Type": "A", "TTL": a}, {"Type": "AAAA", "TTL": aaaa}]
            change = {"DnsConfig": {"DnsRecords": records}}
            wait_for_success(cloudmap.update_service(Id=service["Id"], Service=change))
            later = {"AWS_INSTANCE_IPV4": f"192.0.2.{90 + number}", "AWS_INSTANCE_IPV6": f"2001:db8::{90 + number}"}
            register_all(service, {f"later-{number}": later})
        eventually(
            lambda expected=(a, aaaa): (ttls("A"), ttls("AAAA")) == ({expected[0]}, {expected[1]}),
            within=timeouts.DNS_CHANGE,
        )
