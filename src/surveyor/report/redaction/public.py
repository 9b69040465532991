"""What everybody may know: the words of suites, claims and experiments, and the examples of AWS's documents."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import surveyor
from surveyor.input_files import SETTINGS_LIMIT, read_text
from surveyor.layout import Layout

__all__ = ["RUN_NAME", "PublicWords", "public_words"]

RUN_NAME = re.compile(r"surveyor-[0-9a-z]{1,20}-")
"""In the names of everything that a run creates."""

_WORD = re.compile(r"[\w+=@-]+(?:\.[\w+=@-]+)*|(?:/[\w.+-]+)+|[0-9A-Fa-f:]{3,}")
_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::[^:\s]*:[\w-]+/([\w+=,.@/-]+)")

_ACCOUNTS = frozenset(
    [
        "123456789012",
        "111122223333",
        "444455556666",
        "777788889999",
        "210987654321",
        *(digit * 12 for digit in "0123456789"),
    ]
)
"""Accounts of examples in the documents of AWS, and what stands for the account in reports."""

_RESERVED = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|net|org))?|test|invalid|localhost)\.?$", re.IGNORECASE)
"""Domains for examples and tests: RFC 2606 and RFC 6761."""

_ENDPOINT = re.compile(
    r"awsdns-hostmaster\.amazon\.com\.?|[a-z0-9-]+(?:\.[a-z]{2}(?:-[a-z]+)+-\d)?\.(?:amazonaws\.com(?:\.cn)?|api\.aws)\.?",
    re.IGNORECASE,
)
"""The host of a service of AWS, or its name as a principal."""

_NETWORKS = tuple(
    map(
        ipaddress.ip_network,
        (
            *(
                "192.0.2.0/24",
                "198.51.100.0/24",
                "203.0.113.0/24",
                "2001:db8::/32",
            ),  # for documents: RFC 5737, RFC 3849
            *("127.0.0.0/8", "::1/128", "0.0.0.0/32", "::/128", "255.255.255.255/32"),
            *("169.254.169.254/32", "169.254.170.2/32", "fd00:ec2::254/128"),  # metadata of instances and of tasks
        ),
    )
)


@dataclass(frozen=True)
class PublicWords:
    """`words`: words, ids, names and addresses; `principals`: the last parts of the ARNs of users and roles."""

    words: frozenset[str]
    principals: frozenset[str]

    def has(self, text: str) -> bool:
        """Return whether a word is no secret of an account."""
        return text in self.words or text.rstrip(".") in self.words

    def has_account(self, number: str) -> bool:
        """Return whether the number of an account is that of an example."""
        return number in _ACCOUNTS or number in self.words

    def has_host(self, host: str) -> bool:
        """Return whether a host is one of AWS, of an example, or has the name of a run."""
        known = self.has(host) or self.has(host.lower()) or _RESERVED.search(host) or _ENDPOINT.fullmatch(host)
        return bool(known or RUN_NAME.search(host))

    def has_address(self, address: str) -> bool:
        """Return whether an IP address is one of examples, of this machine or of nothing."""
        parsed = ipaddress.ip_address(address)
        return any(parsed in network for network in _NETWORKS) or self.has(address)


@cache
def public_words(layout: Layout) -> PublicWords:
    """Return the words of the suites, claims, experiments, scenarios and recordings of a layout."""
    fixtures = Path(surveyor.__file__).parent / "fixtures"
    folders = (layout.suites, layout.claims, layout.chaos, layout.loadtests, layout.recordings, fixtures)
    texts = [read_text(path, SETTINGS_LIMIT * 4) for path in _files(folders)]
    principals = {name for text in texts for found in _PRINCIPAL.findall(text) for name in found.split("/")}
    return PublicWords(frozenset(word for text in texts for word in _words(text)), frozenset(principals))


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        for suffix in ("py", "toml"):
            yield from folder.rglob(f"*.{suffix}")


def _words(text: str) -> Iterator[str]:
    for word in _WORD.findall(text):
        yield word
        yield from re.split(r"[.=@]", word)
