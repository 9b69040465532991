"""Fixtures: a world with a stopped clock, and Route 53's operations as functions whose answers the model validates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from surveyor_emulator.aws.ec2 import vpcs_of
from surveyor_emulator.aws.ec2.state import Vpc, ec2_state
from surveyor_emulator.aws.route53.handlers import HANDLERS
from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.settings import Quotas, Settings
from surveyor_emulator.core.world import Call, World
from surveyor_emulator.protocols.api_models import compile_check

ACCOUNT = "111111111111"
REGION = "us-east-1"


@pytest.fixture
def world() -> World:
    """Return an empty world, with quotas that a test can reach."""
    return World(Settings(seed=3, scale=None, quotas=Quotas(records_per_zone=20, hosted_zones=5)), Clock(scale=None))


@pytest.fixture
def vpc(world: World) -> str:
    """Return the id of the account's default VPC in us-east-1."""
    return next(iter(vpcs_of(world, ACCOUNT, REGION)))


@pytest.fixture
def second_vpc(world: World) -> str:
    """Return the id of another VPC of the account in us-east-1."""
    state = ec2_state(world, ACCOUNT, REGION)
    state.vpcs["vpc-0123456789abcdef0"] = Vpc("vpc-0123456789abcdef0", "10.0.0.0/16", False, "dopt-0")
    return "vpc-0123456789abcdef0"


@pytest.fixture
def advance(world: World) -> Callable[[float], object]:
    """Return a function that moves the clock forward by a number of seconds."""
    return lambda seconds: asyncio.run(world.clock.advance(seconds))


@pytest.fixture
def route53(world: World) -> Callable[..., Any]:
    """Return a function that calls an operation: ``route53("GetChange", Id=…)``; ``account`` is the calling account."""
    model = botocore.session.get_session().get_service_model("route53")

    def call(operation: str, account: str = ACCOUNT, **request: object) -> Any:
        compile_check("route53", operation)(request)
        answer = HANDLERS[operation](Call(world, account, REGION, f"{account}:root", "route53", operation), request)
        shape = model.operation_model(operation).output_shape
        assert shape is not None
        report = ParamValidator().validate(answer, shape).generate_report()
        # The model requires members that AWS leaves out: private zones have no delegation set, first pages no marker.
        missing = {f'Missing required parameter in input: "{member}"' for member in ("DelegationSet", "Marker")}
        assert set(report.splitlines()) <= missing, report
        return answer

    return call


@pytest.fixture
def private_zone(route53: Callable[..., Any], vpc: str) -> str:
    """Return the id of a private zone example.internal in the default VPC."""
    created = route53(
        "CreateHostedZone", Name="example.internal", CallerReference="1", VPC={"VPCRegion": REGION, "VPCId": vpc}
    )
    return str(created["HostedZone"]["Id"])


@pytest.fixture
def zone(route53: Callable[..., Any]) -> str:
    """Return the id of a public zone example.net."""
    return str(route53("CreateHostedZone", Name="example.net", CallerReference="2")["HostedZone"]["Id"])


@pytest.fixture
def change(route53: Callable[..., Any], zone: str) -> Callable[..., Any]:
    """Return a function that changes records of example.net: ``change(("CREATE", {…}), …)``."""

    def send(*changes: tuple[str, dict[str, object]]) -> Any:
        batch = [{"Action": action, "ResourceRecordSet": record} for action, record in changes]
        return route53("ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch={"Changes": batch})["ChangeInfo"]

    return send
