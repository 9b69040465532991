"""Questions are resolved against zone data: routing policies, health, aliases, CNAMEs, and absent names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from surveyor_emulator.aws.route53.answers import DnsAnswer, DnsRecord, ResolutionScope, resolve
from surveyor_emulator.aws.route53.health_checks import add_check, record_observation
from surveyor_emulator.aws.route53.published_zones import PublishedZone
from surveyor_emulator.aws.route53.record_model import AliasTarget, RecordSet
from surveyor_emulator.aws.route53.state import HealthCheckConfig, HostedZone, VpcKey
from surveyor_emulator.core.world import World

ACCOUNT = "111111111111"
SOA = RecordSet("example.com.", "SOA", 900, ("ns. mail. 1 7200 900 1209600 86400",))
VPC = VpcKey("vpc-1", "us-east-1")

Ask = Callable[..., DnsAnswer]


def serve(*records: RecordSet, name: str = "example.com.", vpcs: tuple[VpcKey, ...] = ()) -> PublishedZone:
    """Return a zone as the name servers have it."""
    zone = PublishedZone(HostedZone("Z1", name, ACCOUNT, "r", None, ("ns.",), 900, vpcs))
    zone.records.put(replace(SOA, name=name))
    for record in records:
        zone.records.put(record)
    return zone


@pytest.fixture
def ask(world: World) -> Ask:
    """Return a function that queries servers with one zone: ``ask([records], name, type, resolver=False)``."""

    def answer(records: Iterable[RecordSet], name: str, kind: str = "A", *, resolver: bool = False) -> DnsAnswer:
        zone = serve(*records)
        return resolve(ResolutionScope(world, {}, {zone.zone.name: zone}, recursive=resolver), name, kind)

    return answer


def multivalue(number: int, *, healthy: bool = True, check: str | None = None) -> RecordSet:
    """Return one multivalue answer record of a.example.com."""
    return RecordSet(
        "a.example.com.",
        "A",
        60,
        (f"192.0.2.{number}",),
        str(number),
        multivalue=True,
        healthy=healthy,
        health_check_id=check,
    )


def weighted(number: int, weight: int = 1, *, healthy: bool = True, **more: object) -> RecordSet:
    """Return one weighted record of a.example.com."""
    record = RecordSet("a.example.com.", "A", 60, (f"192.0.2.{number}",), str(number), weight=weight, healthy=healthy)
    return replace(record, **more)  # type: ignore[arg-type]  # fields by name


def addresses(answer: DnsAnswer) -> list[str]:
    """Return every value that an answer may hold."""
    return sorted(
        [record.value for record in answer.fixed]
        + [record.value for option in answer.shuffled for record in option]
        + [value for _, option in answer.weighted for value in addresses(option)]
    )


def test_multivalue_answers_choose_among_the_healthy(ask: Ask) -> None:
    """All healthy records are candidates, at most eight are answered (route53/ResourceRecordSet.MultiValueAnswer)."""
    answer = ask([multivalue(n, healthy=n % 2 == 0) for n in range(30)], "a.example.com.")
    assert addresses(answer) == sorted(f"192.0.2.{n}" for n in range(0, 30, 2))
    assert answer.limit == 8


def test_multivalue_answers_fail_open(ask: Ask) -> None:
    """When all records are unhealthy, up to eight of them are answered."""
    answer = ask([multivalue(n, healthy=False) for n in range(3)], "a.example.com.")
    assert addresses(answer) == ["192.0.2.0", "192.0.2.1", "192.0.2.2"]


def test_weighted_answers_are_one_of_the_healthy(ask: Ask) -> None:
    """A healthy record is chosen by weight; weight 0 is never chosen while a record with a higher weight is healthy."""
    answer = ask([weighted(1, 10), weighted(2, 30), weighted(3, 0), weighted(4, 5, healthy=False)], "a.example.com.")
    assert {addresses(option)[0]: weight for weight, option in answer.weighted} == {"192.0.2.1": 10, "192.0.2.2": 30}


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([weighted(1, 7, healthy=False), weighted(2, 0)], {"192.0.2.2": 1}),
        ([weighted(1, 7, healthy=False), weighted(2, 3, healthy=False)], {"192.0.2.1": 7, "192.0.2.2": 3}),
        ([weighted(1, 7, healthy=False), weighted(2, 0, healthy=False)], {"192.0.2.1": 7}),
        ([weighted(1, 0), weighted(2, 0)], {"192.0.2.1": 1, "192.0.2.2": 1}),
        ([weighted(1, 0, healthy=False), weighted(2, 0, healthy=False)], {"192.0.2.1": 1, "192.0.2.2": 1}),
    ],
    ids=["zero takes over", "as if all healthy", "zero stays out", "all zero", "all zero and unhealthy"],
)
def test_weights_of_zero_and_ill_health(ask: Ask, records: list[RecordSet], expected: dict[str, int]) -> None:
    """Records of weight 0 are the last candidates (Developer Guide, How Route 53 chooses records)."""
    answer = ask(records, "a.example.com.")
    assert {addresses(option)[0]: weight for weight, option in answer.weighted} == expected


@pytest.mark.parametrize(
    ("primary", "secondary", "expected"),
    [(True, True, "1"), (True, False, "1"), (False, True, "2"), (False, False, "1")],
)
def test_failover_prefers_the_primary(ask: Ask, *, primary: bool, secondary: bool, expected: str) -> None:
    """The primary is answered, unless only it is unhealthy (route53/ResourceRecordSet.Failover)."""
    records = [
        RecordSet("a.example.com.", "A", 60, ("192.0.2.2",), "s", failover="SECONDARY", healthy=secondary),
        RecordSet("a.example.com.", "A", 60, ("192.0.2.1",), "p", failover="PRIMARY", healthy=primary),
    ]
    assert addresses(ask(records, "a.example.com.")) == [f"192.0.2.{expected}"]


def test_health_checks_decide_once_they_have_a_result(world: World, ask: Ask) -> None:
    """A check without a result and a deleted check count as healthy; an inverted check inverts its result."""
    plain = add_check(world, ACCOUNT, HealthCheckConfig("TCP", "192.0.2.1", 80), caller_reference="1")
    inverted = add_check(world, ACCOUNT, HealthCheckConfig("TCP", "192.0.2.1", 80, inverted=True), caller_reference="2")
    records = [multivalue(1, check=plain.id), multivalue(2, check=inverted.id), multivalue(3, check="deleted")]
    assert addresses(ask(records, "a.example.com.")) == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
    for check in (plain, inverted):
        record_observation(world, ACCOUNT, check.id, healthy=False)
    assert addresses(ask(records, "a.example.com.")) == ["192.0.2.2", "192.0.2.3"]
    for check in (plain, inverted):
        record_observation(world, ACCOUNT, check.id, healthy=True)
    assert addresses(ask(records, "a.example.com.")) == ["192.0.2.1", "192.0.2.3"]


def test_absent_names_and_types(ask: Ask) -> None:
    """An absent name is NXDOMAIN, an absent type or a name with only names below it has no data; both carry the SOA."""
    records = [RecordSet("a.b.example.com.", "A", 60, ("192.0.2.1",))]
    soa = (DnsRecord("example.com.", "SOA", 900, SOA.values[0]),)
    assert ask(records, "c.example.com.") == DnsAnswer("NXDOMAIN", authority=soa)
    assert ask(records, "x.a.b.example.com.") == DnsAnswer("NXDOMAIN", authority=soa)
    assert ask(records, "b.example.com.") == DnsAnswer(authority=soa)
    assert ask(records, "a.b.example.com.", "AAAA") == DnsAnswer(authority=soa)
    assert ask(records, "a.example.org.").rcode == "REFUSED"


def test_the_negative_ttl_is_the_smaller_one(world: World) -> None:
    """The negative TTL is the smaller of the SOA's TTL and its minimum (RFC 2308; Developer Guide, SOA record)."""
    for ttl, minimum, expected in ((900, 86_400, 900), (900, 5, 5), (7, 86_400, 7)):
        zone = serve()
        zone.records.put(replace(SOA, ttl=ttl, values=(f"ns. mail. 1 7200 900 1209600 {minimum}",)))
        scope = ResolutionScope(world, {}, {"example.com.": zone}, recursive=False)
        assert resolve(scope, "a.example.com.", "A").authority[0].ttl == expected


def test_wildcards_stand_for_names_that_do_not_exist(ask: Ask) -> None:
    """Only the wildcard at the closest encloser applies, and none if the name exists (RFC 4592)."""
    records = [
        RecordSet(r"\052.example.com.", "A", 60, ("192.0.2.1",)),
        RecordSet("b.example.com.", "TXT", 60, ('"x"',)),
        RecordSet("x.c.example.com.", "A", 60, ("192.0.2.2",)),
    ]
    found = ask(records, "a.example.com.")
    assert found.shuffled == ((DnsRecord("a.example.com.", "A", 60, "192.0.2.1"),),)
    assert addresses(ask(records, "y.a.example.com.")) == ["192.0.2.1"]
    assert ask(records, "a.example.com.", "AAAA").rcode == "NOERROR"
    assert addresses(ask(records, "b.example.com.")) == []
    assert ask(records, "y.b.example.com.").rcode == "NXDOMAIN"
    assert ask(records, "y.c.example.com.").rcode == "NXDOMAIN"
    assert ask(records, "c.example.com.") == ask(records, "b.example.com.")


def test_cnames_are_followed_within_the_zone(ask: Ask) -> None:
    """The chain precedes the final records; a resolver adds no records of zones that it does not have."""
    records = [
        RecordSet("a.example.com.", "CNAME", 60, (" b.example.com ",)),
        RecordSet("b.example.com.", "CNAME", 30, ("C.example.com.",)),
        RecordSet("c.example.com.", "A", 15, ("192.0.2.1",)),
        RecordSet("out.example.com.", "CNAME", 60, ("www.example.org.",)),
        RecordSet("gone.example.com.", "CNAME", 60, ("none.example.com.",)),
    ]
    found = ask(records, "a.example.com.")
    assert [(record.owner, record.type) for record in found.fixed] == [
        ("a.example.com.", "CNAME"),
        ("b.example.com.", "CNAME"),
    ]
    assert found.shuffled == ((DnsRecord("c.example.com.", "A", 15, "192.0.2.1"),),)
    assert addresses(ask(records, "a.example.com.", "CNAME")) == [" b.example.com "]
    assert addresses(ask(records, "out.example.com.")) == ["www.example.org."]
    assert ask(records, "out.example.com.", resolver=True).rcode == "NOERROR"
    assert ask(records, "gone.example.com.").rcode == "NXDOMAIN"
    assert ask(records, "gone.example.com.").fixed[0].type == "CNAME"


def test_cname_circles_end(ask: Ask) -> None:
    """The answer holds the circle once."""
    records = [
        RecordSet("a.example.com.", "CNAME", 60, ("b.example.com",)),
        RecordSet("b.example.com.", "CNAME", 60, ("a.example.com.",)),
    ]
    assert [record.owner for record in ask(records, "a.example.com.").fixed] == ["a.example.com.", "b.example.com."]
    long = [RecordSet(f"n{n}.example.com.", "CNAME", 60, (f"n{n + 1}.example.com.",)) for n in range(100)]
    assert len(ask(long, "n0.example.com.").fixed) < 20


def test_each_weighted_cname_is_followed(ask: Ask) -> None:
    """Each option is a separate whole answer."""
    records = [
        *(RecordSet("a.example.com.", "CNAME", 60, (f"{name}.example.com.",), name, weight=1) for name in ("b", "c")),
        RecordSet("b.example.com.", "A", 60, ("192.0.2.1",)),
        RecordSet("c.example.com.", "A", 60, ("192.0.2.2",)),
    ]
    options = [addresses(option) for _, option in ask(records, "a.example.com.").weighted]
    assert options == [["192.0.2.1", "b.example.com."], ["192.0.2.2", "c.example.com."]]


def alias(target: str, name: str = "l.example.com.", *, evaluate: bool = True, **more: object) -> RecordSet:
    """Return an alias record set."""
    record = RecordSet(name, "A", alias=AliasTarget("Z1", target, evaluate))
    return replace(record, **more)  # type: ignore[arg-type]  # fields by name


def test_an_alias_answers_with_its_targets_data(ask: Ask) -> None:
    """The records have the alias's name and the target's TTL (route53/ResourceRecordSet.TTL)."""
    records = [alias("a.example.com."), *(multivalue(n) for n in range(2))]
    found = ask(records, "l.example.com.")
    assert found.shuffled[0] == (DnsRecord("l.example.com.", "A", 60, "192.0.2.0"),)
    assert addresses(ask([alias("none.example.com.")], "l.example.com.")) == []
    assert ask([alias("none.example.com.")], "l.example.com.").rcode == "NOERROR"
    assert addresses(ask([alias("l.example.com.")], "l.example.com.")) == []


def test_an_alias_of_a_load_balancer_has_ttl_60(ask: Ask) -> None:
    """The addresses are documentation addresses, and always the same for one name."""
    found = ask([alias("web-1.us-east-1.elb.amazonaws.com.")], "l.example.com.")
    assert {record.ttl for option in found.shuffled for record in option} == {60}
    assert found == ask([alias("web-1.us-east-1.elb.amazonaws.com.")], "l.example.com.")
    assert ask([alias("web-1.us-east-1.elb.amazonaws.com.", type="AAAA")], "l.example.com.", "AAAA").authority
    assert ask([alias("dualstack.web-1.us-east-1.elb.amazonaws.com.", type="AAAA")], "l.example.com.", "AAAA").shuffled


def test_a_weighted_alias_can_evaluate_its_targets_health(ask: Ask) -> None:
    """With EvaluateTargetHealth an alias is as healthy as its target, without it always healthy."""
    target = multivalue(9, healthy=False)
    for evaluate, expected in ((True, ["192.0.2.1"]), (False, ["192.0.2.1", "192.0.2.9"])):
        records = [
            alias("a.example.com.", evaluate=evaluate, set_identifier="1", weight=1),
            RecordSet("l.example.com.", "A", 60, ("192.0.2.1",), "2", weight=1),
            target,
        ]
        assert addresses(ask(records, "l.example.com.")) == expected


def test_ns_records_below_the_apex_delegate(ask: Ask) -> None:
    """Name servers answer with a referral without authority; a resolver answers SERVFAIL."""
    records = [
        RecordSet("sub.example.com.", "NS", 60, ("ns.example.org.",)),
        RecordSet("a.sub.example.com.", "A", 60, ("192.0.2.1",)),
    ]
    referral = DnsAnswer(authority=(DnsRecord("sub.example.com.", "NS", 60, "ns.example.org."),), authoritative=False)
    for name in ("sub.example.com.", "a.sub.example.com.", "x.sub.example.com."):
        assert ask(records, name) == referral
        assert ask(records, name, resolver=True).rcode == "SERVFAIL"
    assert ask(records, "sub.example.com.", "DS").authoritative


def test_any_is_answered_minimally(ask: Ask) -> None:
    """The answer for an existing name is one HINFO record that cites RFC 8482."""
    records = [multivalue(1)]
    assert [record.type for record in ask(records, "a.example.com.", "ANY").fixed] == ["HINFO"]
    assert ask(records, "b.example.com.", "ANY").rcode == "NXDOMAIN"


def test_the_most_specific_private_zone_answers(world: World) -> None:
    """Private zones take precedence over public ones, even over more specific ones (Developer Guide)."""
    inner = serve(RecordSet("x.a.example.com.", "A", 60, ("10.0.0.1",)), name="a.example.com.", vpcs=(VPC,))
    outer = serve(RecordSet("y.a.example.com.", "A", 60, ("10.0.0.2",)), vpcs=(VPC,))
    public = serve(RecordSet("z.b.example.com.", "A", 60, ("192.0.2.1",)), name="b.example.com.")
    elsewhere = serve(RecordSet("w.example.org.", "CNAME", 60, ("x.a.example.com.",)), name="example.org.")
    scope = ResolutionScope(
        world,
        {"a.example.com.": inner, "example.com.": outer},
        {"b.example.com.": public, "example.org.": elsewhere},
        recursive=True,
    )
    assert addresses(resolve(scope, "x.a.example.com.", "A")) == ["10.0.0.1"]
    assert resolve(scope, "y.a.example.com.", "A").rcode == "NXDOMAIN"
    assert resolve(scope, "z.b.example.com.", "A").rcode == "NXDOMAIN"
    assert "10.0.0.1" in addresses(resolve(scope, "w.example.org.", "A"))
    outside = ResolutionScope(world, {}, scope.public, recursive=False)
    assert addresses(resolve(outside, "z.b.example.com.", "A")) == ["192.0.2.1"]
    assert addresses(resolve(outside, "w.example.org.", "A")) == ["x.a.example.com."]


def test_simple_records_answer_all_their_values(ask: Ask) -> None:
    """A simple record answers all values, even more than eight."""
    values = tuple(f"192.0.2.{n}" for n in range(20))
    found = ask([RecordSet("a.example.com.", "A", 60, values)], "a.example.com.")
    assert (found.limit, Counter(addresses(found))) == (20, Counter(values))
