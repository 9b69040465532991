"""The forms by which private values are found in any text: ARNs, ids, numbers of accounts, addresses, hosts, paths.

A text may be one of JSON or of a form inside another: before a value may stand an escape, as in `%2Fvpc-...`, or in
CBOR its length, behind which follows the length of the next value; either may be a letter.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "ACCOUNT",
    "ADDRESS_4",
    "ADDRESS_6",
    "ARN",
    "ENCODED_MESSAGE",
    "HOST",
    "ID",
    "KEY",
    "MAC",
    "MAIL",
    "PATH",
    "PLACEHOLDER",
    "URL_HOST",
    "USER_OF_PATH",
]

_BEFORE = r"(?:(?<![A-Za-z0-9-])|(?<=%[0-9A-Fa-f][0-9A-Fa-f])|(?<=\\[nrt]))"
"""The beginning of a value: no letter or digit is before it, unless it ends an escape."""

PLACEHOLDER: Final = re.compile(r"(?<![A-Za-z0-9])([a-z]+(?:-[a-z]+)*)-redacted-(\d+)(?![A-Za-z0-9])")

_COLON = r"(?::|%3[Aa])"
ARN: Final = re.compile(
    rf"arn(?P<sep>{_COLON})aws[a-z-]*{_COLON}(?P<service>[a-z0-9-]*){_COLON}[a-z0-9-]*{_COLON}"
    rf"(?P<account>[\w-]*){_COLON}(?P<resource>[\w+=,.@/:*?${{}}%~#-]*[\w+=@/*?}}~#-])"
)

ACCOUNT: Final = re.compile(r"(?<!\d)(?<!\d\.)\d{12}(?!\d)|(?<!\d)\d{4}-\d{4}-\d{4}(?![\d-])")
"""The console shows the number of an account in groups of four digits."""

KEY: Final = re.compile(
    r"(?<![A-Z0-9])(?:AKIA|ASIA|AROA|AIDA|AGPA|AIPA|ANPA|ANVA|APKA|ABIA|ACCA|ASCA)[A-Z0-9]{12,}(?![A-Z0-9])"
    r"(?::(?P<session>[\w+=,.@-]*[\w+=@-]))?"
)
"""Ids of keys and principals by their prefixes (IAM User Guide, "Unique identifiers"), and the session after one."""

ID: Final = re.compile(
    rf"{_BEFORE}(?![a-z]*surveyor-)(?:(?P<prefix>[a-z]{{1,20}}(?:-[a-z]{{1,20}}){{0,2}})-(?:[0-9a-f]{{17}}|[0-9a-f]{{8}})"
    rf"|(?P<map>ns|srv)-(?!redacted)[a-z0-9]{{14,20}}|(?P<zone>Z)[A-Z0-9]{{9,31}}"
    r"|(?P<operation>[a-z0-9]{32}-[a-z0-9]{8})"
    r"|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32})(?![A-Za-z0-9])"
    r"|(?<=[s-u])(?P<short>i|eni|ns|sg|srv|vpc)-(?:[0-9a-f]{17}|(?<=ns-|rv-)[a-z0-9]{16})"
    r"|(?<=x\x18)(?P<long>subnet)-[0-9a-f]{17}|(?<=x\$)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
    r"|(?<=x\))[a-z0-9]{32}-[a-z0-9]{8}"
)
"""Ids of EC2, Cloud Map, its operations and hosted zones, UUIDs, tasks; the last four alternatives are for CBOR."""

ADDRESS_4: Final = re.compile(
    rf"{_BEFORE}(?<!\d\.)(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?![A-Za-z0-9]|\.\d)"
    r"|(?<=[g-o])(?:\d{1,3}\.){3}\d{1,3}(?![0-9]|\.\d)"
)
ADDRESS_6: Final = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){1,7}(?::?[0-9A-Fa-f]{1,4}){0,7}:{0,2}(?![\w:])"
    r"|(?<![\w:.])::(?:[0-9A-Fa-f]{1,4}:?){1,7}(?![\w:])"
)
MAC: Final = re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![\w:])")

MAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,10}[\w-]{2,63}")

_LABELS = r"(?:[A-Za-z0-9_*-]{1,63}\.){1,10}"
URL_HOST: Final = re.compile(r"(?<=://)(?:(?P<user>[^\s/@:\"'<>]+)@)?(?P<host>[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)")
HOST: Final = re.compile(
    rf"{_BEFORE}(?:{_LABELS}(?:amazonaws\.com(?:\.cn)?|api\.aws|on\.aws|cloudfront\.net|awsdns-\d\d\.(?:com|net|org|co\.uk)"
    r"|internal|corp|lan|intranet|localdomain|local)\.?(?![A-Za-z0-9-]|\.[A-Za-z0-9])"
    r"|(?:ip|ec2)(?:-\d{1,3}){4}(?![\w-])(?:\.[a-z0-9.-]+)?)",
    re.IGNORECASE,
)

_ROOTS = (
    r"home|Users|root|tmp|var|private|opt|mnt|srv|work|workspace|builds?|github|runner|data|usr|nix|media|Volumes"
    r"|export"
)
_NAME = r"[^\s\"'<>|:;,)\]}\\]"
PATH: Final = re.compile(
    rf"(?:file://|(?<![\w./:%-]))/(?:{_ROOTS})/{_NAME}+|(?<![\w./])(?:\.\./)+{_NAME}+"
    r"|(?<!\w)[A-Za-z]:\\[^\s\"'<>|:;,)\]}]+"
)
USER_OF_PATH: Final = re.compile(r"(?:/(?:home|Users)/|\\Users\\+)([\w.@+-]*\w)")

ENCODED_MESSAGE: Final = re.compile(r"(?<=ncoded authorization failure message: )[\w=+/-]{20,}")
"""What only the account can read with sts:DecodeAuthorizationMessage; it names principals and policies."""
