"""What the tests of Route 53 Resolver share: zones of one name in a hub and in another VPC, which tell who answered."""

import pytest

from surveyor.testing import record_values


@pytest.fixture
def domain(unique_name):
    """Return a domain that no other test uses."""
    return f"{unique_name('d')}.test"


@pytest.fixture
def ask(query_dns):
    """Return the addresses that the resolver of a VPC answers, or the response code if it answers none."""

    def addresses(name, vpc, rdtype="A"):
        answer = query_dns(name, rdtype, vpc=vpc)
        return record_values(answer, name, rdtype) if answer.answer else answer.rcode().name

    return addresses
