"""Record values are encoded to the same bytes as by dnspython, or raise ValueError."""

from __future__ import annotations

import contextlib

import dns.name
import dns.rdata
import dns.rdataclass
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor_emulator.aws.route53.rdata import TYPE_NAMES, TYPE_NUMBERS, encode

HOSTS = st.from_regex(r"([a-z0-9]{1,10}\.){1,4}", fullmatch=True)


def reference(kind: str, value: str) -> bytes:
    """Return dnspython's encoding of a value."""
    wire = dns.rdata.from_text(dns.rdataclass.IN, kind, value, origin=dns.name.root).to_wire(origin=dns.name.root)
    assert wire is not None
    return wire


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("A", "192.0.2.1"),
        ("AAAA", "2001:db8::1"),
        ("CNAME", "Host.Example.com."),
        ("NS", "ns-1.awsdns-00.com."),
        ("PTR", "host.example.com."),
        ("SRV", "1 10 5269 xmpp.example.com."),
        ("SOA", "ns-0.awsdns-00.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"),
        ("MX", "10 mail.example.com."),
        ("TXT", '"one" "two \\" three"'),
        ("CAA", '0 issue "amazon.com"'),
        ("HTTPS", '1 . alpn="h2"'),
        ("HINFO", '"RFC8482" ""'),
    ],
)
def test_values_are_encoded_as_by_dnspython(kind: str, value: str) -> None:
    """The emulator's encoders and dnspython agree."""
    assert encode(kind, value) == reference(kind, value)


@given(st.ip_addresses(v=4), st.ip_addresses(v=6), HOSTS, st.integers(0, 65535))
def test_values_of_instances_are_encoded_as_by_dnspython(four: object, six: object, host: str, port: int) -> None:
    """For all addresses, host names and SRV values the encoders agree."""
    for kind, value in (("A", str(four)), ("AAAA", str(six)), ("CNAME", host), ("SRV", f"1 1 {port} {host}")):
        assert encode(kind, value) == reference(kind, value)


def test_a_trailing_dot_may_be_left_out() -> None:
    """Names in values are absolute with or without a trailing dot (route53/ResourceRecordSet.Name)."""
    assert encode("CNAME", "host.example.com") == encode("CNAME", "host.example.com.")


def test_escapes_in_values_are_octal() -> None:
    """Escapes in Route 53's values are octal, in zone files decimal."""
    assert encode("TXT", r'"\344"') == b"\x01\xe4"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("A", "2001:db8::1"),
        ("A", "192.0.2"),
        ("A", "192.0.2.1\0"),
        ("A", "192.0.2.01"),
        ("AAAA", "192.0.2.1"),
        ("CNAME", "a b"),
        ("CNAME", ""),
        ("SRV", "1 1 host.example.com."),
        ("SRV", "1 1 65536 host.example.com."),
        ("SOA", "ns. mail. 1 2 3 4 4294967296"),
        ("MX", "mail.example.com."),
        ("TXT", '"' + "x" * 256 + '"'),
        ("TXT", '"open'),
    ],
)
def test_invalid_values_are_refused(kind: str, value: str) -> None:
    """The error contains the expected format, or dnspython's reason."""
    with pytest.raises(ValueError, match=r"value|domain name"):
        encode(kind, value)


@given(st.sampled_from(sorted(TYPE_NUMBERS)), st.text(max_size=60))
def test_any_text_is_encoded_or_refused(kind: str, value: str) -> None:
    """An arbitrary value is encoded or raises ValueError, nothing else."""
    with contextlib.suppress(ValueError):
        assert isinstance(encode(kind, value), bytes)


def test_types_have_their_registered_numbers() -> None:
    """Names and numbers of types equal dnspython's."""
    for name, number in TYPE_NUMBERS.items():
        assert dns.rdatatype.from_text(name) == number
        assert TYPE_NAMES[number] == name
