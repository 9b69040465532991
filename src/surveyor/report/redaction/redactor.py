"""Replace private values in texts and in JSON by placeholders such as `vpc-redacted-1`, equal values by equal ones.

All that is replaced is first collected, so that a name that one place gives away is replaced in all of them.
"""

from __future__ import annotations

import getpass
import ipaddress
import re
import socket
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from surveyor.report.redaction import patterns
from surveyor.report.redaction.public import RUN_NAME, PublicWords

__all__ = ["Redactor"]

_PRINCIPAL_KEYS = re.compile(
    r"(?:(?:user|role|session|roleSession|policy|instanceProfile)Name|userId|principalId|principal|issuer)",
    re.IGNORECASE,
)
_NAME_KEYS = frozenset(
    {
        "Name", "NamespaceName", "ServiceName", "HttpName", "clusterName", "serviceName", "family", "logGroupName",
        "LoadBalancerName", "TargetGroupName", "DNSName", "Description", "Comment", "Value", "value", "KeyName",
        "GroupName", "Owner", "DisplayName", "HostedZoneName",
    }
)  # fmt: skip
"""Members of what lists and descriptions return, whose values people choose."""

_READS = re.compile(r"List|Describe|Get|Discover")
_KEPT = frozenset({"id", "area", "statement", "reports", "recordings", "unproven", "status", "test", "runs"})
"""Members of claims and tests in a report that are Surveyor's own words."""

_MIN_NAME = 3
_MIN_DISTINCT = 6
"""Characters of a name that is replaced as a word, and of one that is replaced inside of words too."""

_GENERIC_USERS = frozenset({"root", "runner", "ubuntu", "admin", "user", "vm", "localhost", "docker", "build"})


class Redactor:
    """One set of placeholders for all texts of a report."""

    def __init__(self, public: PublicWords) -> None:
        self._public = public
        self._placeholders: dict[str, str] = {}
        self._numbers: Counter[str] = Counter()
        self._names: dict[str, str] = {}
        """Values that are replaced wherever they occur -> their kind."""
        self._anywhere: re.Pattern[str] | None = None
        self._seen: set[str] = set()
        self._done: dict[str, str] = {}
        """Texts that were collected from, and texts with placeholders: most texts of a report repeat."""

    @property
    def count(self) -> int:
        """Return the number of different values that were replaced."""
        return len(self._placeholders)

    def collect_machine(self, *folders: Path) -> None:
        """Collect the user, the name and the folders of this machine."""
        for folder in (*folders, Path.home(), Path.cwd()):
            for path in {str(folder.absolute()), str(folder.resolve())}:
                if path.count("/") > 1 or "\\" in path:
                    self._collect(path, "path")
        self.collect_host(socket.gethostname())
        if (user := _user()).lower() not in _GENERIC_USERS:
            self._collect(user, "user")

    def collect_host(self, name: str) -> None:
        """Collect the name of the machine of a run."""
        if name and name.lower() not in _GENERIC_USERS:
            self._collect(name, "host")

    def collect_account(self, number: str) -> None:
        """Collect the number of the account of a run, also if it is one of examples."""
        if re.fullmatch(r"\d{12}", number) and number != "0" * 12:
            self._add(number, "account")

    def collect(self, value: Any, *, key: str = "", is_read: bool = False) -> None:
        """Collect the private values in a text or in JSON. `is_read`: it is an answer that lists or describes."""
        if isinstance(value, Mapping):
            is_call = value.get("kind") == "call"
            for name, member in value.items():
                reads = is_read or (is_call and name == "response" and bool(_READS.match(str(value.get("operation")))))
                self.collect(str(name))
                self.collect(member, key=str(name), is_read=reads)
            if value.get("kind") == "dns":
                self._collect_dns(value)
        elif isinstance(value, list | tuple):
            for member in value:
                self.collect(member, key=key, is_read=is_read)
        elif isinstance(value, str):
            self._collect_text(value)
            if _PRINCIPAL_KEYS.fullmatch(key):
                self._collect_principal(value)
            elif is_read and key in _NAME_KEYS and not self._is_plain(value):
                self._collect(value, "name")
        elif isinstance(value, int) and re.search("account|owner", key, re.IGNORECASE) and len(str(value)) == 12:
            self.collect_account(str(value))

    def text(self, text: str) -> str:
        """Return a text with placeholders."""
        if self._anywhere is None:
            self._anywhere = _alternatives(self._names)
            self._done.clear()
        if text not in self._done:
            self._done[text] = self._replace(text, self._anywhere)
        return self._done[text]

    def _replace(self, text: str, names: re.Pattern[str]) -> str:
        text = names.sub(lambda found: self._of_name(found[0]), text)
        text = patterns.ENCODED_MESSAGE.sub(lambda found: self._placeholder("message", found[0]), text)
        text = patterns.ARN.sub(self._arn, text)
        text = patterns.KEY.sub(self._key, text)
        text = patterns.PATH.sub(self._path, text)
        text = patterns.MAIL.sub(self._mail, text)
        text = patterns.URL_HOST.sub(self._url_host, text)
        text = patterns.HOST.sub(lambda found: self._host(found[0]), text)
        text = patterns.ID.sub(self._id, text)
        text = patterns.ACCOUNT.sub(self._account, text)
        text = patterns.MAC.sub(lambda found: self._placeholder("mac", found[0]), text)
        text = patterns.ADDRESS_4.sub(self._address, text)
        return patterns.ADDRESS_6.sub(self._address, text)

    def json(self, value: Any, kept: frozenset[str] = frozenset()) -> Any:
        """Return a value of JSON with placeholders in its texts and keys; members named in `kept` stay as they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): member if key in kept else self.json(member, kept) for key, member in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.json(member, kept) for member in value]
        if isinstance(value, int) and not isinstance(value, bool) and str(value) in self._names:
            return 0
        return value

    def report(self, value: Mapping[str, Any]) -> Any:
        """Return a report as JSON with placeholders, except in the ids and words of claims and tests."""
        members = {key: member for key, member in value.items() if key != "claims"}
        claims = [
            {key: member if key in _KEPT else self.json(member, _KEPT - {"status"} if key == "tests" else frozenset())
             for key, member in claim.items()}
            for claim in value.get("claims", ())
        ]  # fmt: skip
        return {**self.json(members, frozenset({"runs", "selected", "areas"})), "claims": claims}

    def _collect_text(self, text: str) -> None:
        if text in self._seen:
            return
        self._seen.add(text)
        for kind, number in patterns.PLACEHOLDER.findall(text):
            self._numbers[kind] = max(self._numbers[kind], int(number))
        for found in patterns.ARN.finditer(text):
            self._collect_arn(found)
        for found in patterns.KEY.finditer(text):
            self._collect_principal(found["session"] or "")
        for found in patterns.URL_HOST.finditer(text):
            if not _is_address(found["host"]) and not self._public.has_host(found["host"]) and "." in found["host"]:
                self._collect(found["host"], "host")
        for name in patterns.USER_OF_PATH.findall(text):
            if name.lower() not in _GENERIC_USERS:
                self._collect(name, "user")

    def _collect_arn(self, found: re.Match[str]) -> None:
        number = found["account"]
        if number.isdecimal() and not self._public.has_account(number):
            self.collect_account(number)
        if found["service"] in ("iam", "sts"):
            for name in _parts(unquote(found["resource"]))[1:]:
                self._collect_principal(name)

    def _collect_principal(self, name: str) -> None:
        name = name.strip("/")
        if "/" in name or ":" in name:
            return  # an ARN, or a principal with its path, whose parts are collected
        if name and name not in self._public.principals and not name.endswith(".amazonaws.com"):
            self._collect(name, "principal")

    def _collect_dns(self, entry: Mapping[str, Any]) -> None:
        answer = entry.get("answer")
        lines = (
            [line for part in answer.values() if isinstance(part, list) for line in part]
            if isinstance(answer, Mapping)
            else []
        )
        for line in (entry.get("question"), *lines):
            for word in str(line).split():
                if "." in word.rstrip(".") and not _is_address(word) and not self._public.has_host(word):
                    self._collect(word.rstrip("."), "host")

    def _is_plain(self, value: str) -> bool:
        """Return whether a text has nothing in it but public words and what is found by its form."""
        if re.fullmatch(r"[0-9a-f]{8}", value):
            return True  # the id of a run
        for form in (patterns.ARN, patterns.HOST, patterns.ID, patterns.ADDRESS_4, patterns.ADDRESS_6):
            value = form.sub("", value)
        words = (word.strip(".,:;()").lower() for word in value.split())
        return all(len(word) < _MIN_NAME or word.isdecimal() or self._public.has_host(word) for word in words)

    def _collect(self, value: str, kind: str) -> None:
        """Add a value that is private unless everybody knows it, or a run made it."""
        is_ours = RUN_NAME.search(value) or self._public.has(value) or patterns.PLACEHOLDER.search(value)
        if len(value) >= _MIN_NAME and not is_ours and not value.isdecimal():
            self._add(value, kind)

    def _add(self, value: str, kind: str) -> None:
        if value not in self._names:
            self._names[value] = kind
            self._anywhere = None

    def _placeholder(self, kind: str, value: str) -> str:
        if value not in self._placeholders:
            self._numbers[kind] += 1
            self._placeholders[value] = f"{kind}-redacted-{self._numbers[kind]}"
        return self._placeholders[value]

    def _of_name(self, text: str) -> str:
        value = text if text in self._names else unquote(text)
        if value not in self._names:  # another case
            value = next((name for name in self._names if name.lower() == value.lower()), value)
        return self._placeholder(self._names.get(value, "name"), value)

    def _arn(self, found: re.Match[str]) -> str:
        head = found[0][: found.start("account") - found.start()]
        between = found[0][found.end("account") - found.start() : found.start("resource") - found.start()]
        is_principal = found["service"] in ("iam", "sts")
        account = found["account"]
        if account.isdecimal():
            account = patterns.ACCOUNT.sub(self._account, account)
        pieces = re.split(r"([/:]|%2[Ff]|%3[Aa])", found["resource"])
        done = [
            piece if number % 2 or (number == 0 and len(pieces) > 1 and found["service"] != "s3")
            else self._part(unquote(piece), is_principal=is_principal)
            for number, piece in enumerate(pieces)
        ]  # fmt: skip
        return f"{head}{account}{between}{''.join(done)}"

    def _part(self, part: str, *, is_principal: bool) -> str:
        """Return the placeholder of a part of the resource in an ARN; what everybody knows stays."""
        if not part or (part.isdecimal() and len(part) < 12) or part in "*?" or patterns.PLACEHOLDER.search(part):
            return part
        known = part in self._public.principals if is_principal else self._public.has(part)
        if known or RUN_NAME.search(part):
            return part
        if patterns.ID.fullmatch(part):
            return patterns.ID.sub(self._id, part)
        return self._placeholder("principal" if is_principal else "name", part)

    def _key(self, found: re.Match[str]) -> str:
        key, _, session = found[0].partition(":")
        key = key if key.endswith("EXAMPLE") or self._public.has(key) else self._placeholder("key", key)
        if not session:
            return key
        return f"{key}:{self._part(session, is_principal=True)}"

    def _path(self, found: re.Match[str]) -> str:
        path = found[0]
        if self._public.has(path) or ("-redacted-" in path and path.count("/") < 2):
            return path
        return self._placeholder("path", path.removeprefix("file://").rstrip("./"))

    def _mail(self, found: re.Match[str]) -> str:
        if self._public.has(found[0]) or patterns.PLACEHOLDER.search(found[0]):
            return found[0]
        return self._placeholder("user", found[0])

    def _url_host(self, found: re.Match[str]) -> str:
        user = f"{self._part(found['user'], is_principal=True)}@" if found["user"] else ""
        return user + (found["host"] if _is_address(found["host"]) else self._host(found["host"]))

    def _host(self, host: str) -> str:
        if self._public.has_host(host) or patterns.PLACEHOLDER.fullmatch(host) or host.isdecimal():
            return host
        return self._placeholder("host", host.rstrip(".").lower()) + ("." if host.endswith(".") else "")

    def _id(self, found: re.Match[str]) -> str:
        if self._public.has(found[0]):
            return found[0]
        named = found["prefix"] or found["map"] or found["short"] or found["long"]
        kind = named or ("zone" if found["zone"] else "operation" if found["operation"] else "id")
        return self._placeholder(kind, found[0])

    def _account(self, found: re.Match[str]) -> str:
        number = found[0].replace("-", "")
        if number == "0" * 12 or (number not in self._names and self._public.has_account(number)):
            return found[0]
        return self._placeholder("account", number)

    def _address(self, found: re.Match[str]) -> str:
        try:
            is_public = self._public.has_address(found[0])
        except ValueError:  # no address after all
            return found[0]
        return found[0] if is_public else self._placeholder("ip", str(ipaddress.ip_address(found[0])))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return ""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _parts(resource: str) -> list[str]:
    return [part for part in re.split(r"[/:]", resource) if part]


def _alternatives(names: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern of all names and their forms in URLs; it shares their beginnings, and prefers longer ones."""
    anywhere: dict[str, Any] = {}
    words: dict[str, Any] = {}
    for name in names:
        for form in {name, quote(name, safe="")}:
            node = anywhere if len(name) >= _MIN_DISTINCT else words
            for letter in form.lower():
                node = node.setdefault(letter, {})
            node[""] = {}
    parts = [_pattern_of(anywhere)] if anywhere else []
    parts += [f"(?<![A-Za-z0-9]){_pattern_of(words)}(?![A-Za-z0-9])"] if words else []
    return re.compile("|".join(parts), re.IGNORECASE) if parts else re.compile(r"(?!)")


def _pattern_of(node: Mapping[str, Any]) -> str:
    """Return the pattern of a tree of letters, in which "" marks the end of a name."""
    text = ""
    while len(node) == 1 and "" not in node:  # without recursion where names do not differ
        [(letter, node)] = node.items()
        text += re.escape(letter)
    longer = [f"{re.escape(letter)}{_pattern_of(rest)}" for letter, rest in node.items() if letter]
    if not longer:
        return text
    return f"{text}(?:{'|'.join(longer)}){'?' if '' in node else ''}"
