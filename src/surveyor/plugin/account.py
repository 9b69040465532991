"""Who a test is: its own account where the target allows, names that nobody else uses, clients, VPCs."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from surveyor.account.marks import prefix as run_prefix
from surveyor.answers import member
from surveyor.plugin.options import SETTINGS
from surveyor.plugin.session import SESSION
from surveyor.targets.running import RunningTarget

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient
    from mypy_boto3_sts import STSClient

__all__ = ["ClientFactory", "Unique"]


class ClientFactory(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, service: str, region: str | None = None) -> Any:
        """`client(service, region=None)`: a boto3 client of the test's account."""


class Unique(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, prefix: str = "t") -> str:
        """`unique(prefix)`: a name that no other test or run uses, fit for a DNS label."""


@pytest.fixture
def fingerprint(request: pytest.FixtureRequest) -> str:
    """Hex digits that are this test's in this run; the same again for the same seed."""
    config = request.config
    text = f"{config.stash[SESSION].run}/{config.stash[SETTINGS].seed}/{request.node.nodeid}"
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def account(running: RunningTarget, fingerprint: str) -> str:
    """The test's account id, 12 digits."""
    return running.target.account or str(100_000_000_000 + int(fingerprint, 16) % 900_000_000_000)


@pytest.fixture
def unique(request: pytest.FixtureRequest, fingerprint: str) -> Unique:
    """Makes names that no other test or run uses; in an account that outlives the run they say whose they are."""
    counter, session = itertools.count(1), request.config.stash[SESSION]
    ours = run_prefix(session.run) if session.target.is_one_account else ""

    def name(prefix: str = "t") -> str:
        return f"{ours}{prefix}-{fingerprint[:8]}-{next(counter)}"

    return name


@pytest.fixture
def client(running: RunningTarget, account: str) -> ClientFactory:
    """Makes boto3 clients of any service for the test's account."""

    def make(service: str, region: str | None = None) -> Any:
        return running.clients.client(service, account, region)

    return make


@pytest.fixture
def cloudmap(client: ClientFactory) -> ServiceDiscoveryClient:
    """Cloud Map as the test's account sees it."""
    made: ServiceDiscoveryClient = client("servicediscovery")
    return made


@pytest.fixture
def route53(client: ClientFactory) -> Route53Client:
    """Route 53 as the test's account sees it."""
    made: Route53Client = client("route53")
    return made


@pytest.fixture
def ec2(client: ClientFactory) -> EC2Client:
    """EC2 as the test's account sees it."""
    made: EC2Client = client("ec2")
    return made


@pytest.fixture
def sts(client: ClientFactory) -> STSClient:
    """STS as the test's account sees it."""
    made: STSClient = client("sts")
    return made


@pytest.fixture
def vpc(request: pytest.FixtureRequest, running: RunningTarget, fingerprint: str) -> str:
    """The id of a VPC that namespaces may use."""
    return running.target.vpc or _vpc(request, running, fingerprint[:17], "10.1.0.0/16")


@pytest.fixture
def second_vpc(request: pytest.FixtureRequest, running: RunningTarget, fingerprint: str) -> str:
    """The id of another VPC in the same account and region."""
    return _vpc(request, running, fingerprint[17:34], "10.2.0.0/16")


def _vpc(request: pytest.FixtureRequest, running: RunningTarget, digits: str, cidr: str) -> str:
    if running.target.features is not None and "ec2" not in running.target.features:
        return f"vpc-{digits}"  # a target without EC2 can only take any well-formed id
    ec2, sharing = request.getfixturevalue("ec2"), request.getfixturevalue("sharing")
    return sharing.get(f"VPC {cidr}", lambda: (_new_vpc(ec2, cidr), None)).id if sharing else _new_vpc(ec2, cidr)


def _new_vpc(ec2: EC2Client, cidr: str) -> str:
    made = str(member(ec2.create_vpc(CidrBlock=cidr), "Vpc", "VpcId", of="CreateVpc"))
    # A new VPC has DNS support but no DNS hostnames, and private names resolve only where both are on.
    ec2.modify_vpc_attribute(VpcId=made, EnableDnsHostnames={"Value": True})
    return made
