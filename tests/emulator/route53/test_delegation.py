"""A resolver finds a public zone below another one through the NS records of that one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from surveyor_emulator.aws.route53.answers import ResolutionScope, resolve
from surveyor_emulator.aws.route53.published_zones import published_zones
from surveyor_emulator.aws.route53.record_model import RecordSet
from surveyor_emulator.aws.route53.state import HostedZone, VpcKey
from surveyor_emulator.core.world import World

SOA = "ns. mail. 1 7200 900 1209600 86400"
Ask = Callable[[str], tuple[str, list[str]]]


def add(world: World, identity: str, name: str, *records: tuple[str, str, str], vpc: VpcKey | None = None) -> None:
    """Publish a zone with an SOA record and these records: (name, type, value). Its server has its id as name."""
    public = published_zones(world)
    vpcs = (vpc,) if vpc else ()
    public.put(HostedZone(identity, name, "1", identity, None, (f"ns-{identity}.test.",), 900, vpcs))
    sets = [RecordSet(owner, kind, 60, (value,)) for owner, kind, value in records]
    public.change(identity, [RecordSet(name, "SOA", 900, (SOA,)), *sets], ())


@pytest.fixture
def ask(world: World) -> Ask:
    """Return a function that asks a resolver, which has no private zones, for the addresses of a name."""

    def answer(name: str) -> tuple[str, list[str]]:
        scope = ResolutionScope(world, {}, published_zones(world).public("1"), recursive=True)
        found = resolve(scope, name, "A")
        values = [record for option in found.shuffled for record in option]
        return found.rcode, [record.value for record in (*found.fixed, *values) if record.type == "A"]

    return answer


def test_a_zone_is_found_once_its_parent_delegates(world: World, ask: Ask) -> None:
    """Before, the parent says that the name does not exist; a zone below no other one is found at once."""
    add(world, "parent", "shop.test.")
    add(world, "child", "svc.shop.test.", ("web.svc.shop.test.", "A", "192.0.2.1"))
    add(world, "other", "other.test.", ("web.other.test.", "A", "192.0.2.2"))
    assert ask("web.svc.shop.test.") == ("NXDOMAIN", [])
    assert ask("web.other.test.") == ("NOERROR", ["192.0.2.2"])
    delegation = RecordSet("svc.shop.test.", "NS", 60, ("ns-child.test",))  # users may leave out the final dot
    published_zones(world).change("parent", [delegation], ())
    assert ask("web.svc.shop.test.") == ("NOERROR", ["192.0.2.1"])
    assert ask("absent.svc.shop.test.") == ("NXDOMAIN", [])


def test_each_level_delegates_to_the_next(world: World, ask: Ask) -> None:
    """With a zone in the middle that does not delegate, the one below it is not found, whatever the top says."""
    add(world, "top", "shop.test.", ("a.shop.test.", "NS", "ns-middle.test."), ("b.a.shop.test.", "NS", "ns-low.test."))
    add(world, "middle", "a.shop.test.", ("web.a.shop.test.", "A", "192.0.2.1"))
    add(world, "low", "b.a.shop.test.", ("web.b.a.shop.test.", "A", "192.0.2.2"))
    assert ask("web.a.shop.test.") == ("NOERROR", ["192.0.2.1"])
    assert ask("web.b.a.shop.test.") == ("NXDOMAIN", [])
    published_zones(world).change("middle", [RecordSet("b.a.shop.test.", "NS", 60, ("ns-low.test.",))], ())
    assert ask("web.b.a.shop.test.") == ("NOERROR", ["192.0.2.2"])


def test_of_two_zones_of_a_name_the_named_one_answers(world: World, ask: Ask) -> None:
    """NS records choose between zones of one name; those of other servers lead nowhere."""
    add(world, "parent", "shop.test.", ("svc.shop.test.", "NS", "ns-first.test."))
    for number, identity in enumerate(("first", "second"), 1):
        add(world, identity, "svc.shop.test.", ("web.svc.shop.test.", "A", f"192.0.2.{number}"))
    assert ask("web.svc.shop.test.") == ("NOERROR", ["192.0.2.1"])
    published_zones(world).change("parent", [RecordSet("svc.shop.test.", "NS", 60, ("ns.example.org.",))], ())
    assert ask("web.svc.shop.test.") == ("SERVFAIL", [])


def test_private_zones_need_no_delegation(world: World) -> None:
    """In a VPC the most specific of its private zones answers, and no public zone beside it."""
    vpc = VpcKey("vpc-1", "us-east-1")
    add(world, "parent", "shop.test.", vpc=vpc)
    add(world, "child", "svc.shop.test.", ("web.svc.shop.test.", "A", "192.0.2.1"), vpc=vpc)
    add(world, "public", "b.svc.shop.test.", ("web.b.svc.shop.test.", "A", "192.0.2.3"))
    known = published_zones(world)
    scope = ResolutionScope(world, known.private(vpc), known.public("1"), recursive=True)
    assert resolve(scope, "web.svc.shop.test.", "A").rcode == "NOERROR"
    assert resolve(scope, "web.b.svc.shop.test.", "A").rcode == "NXDOMAIN"
