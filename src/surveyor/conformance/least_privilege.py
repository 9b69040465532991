"""Is a policy the least that a run needs: with it all passes, and without any one of its actions something fails?

Asked of the embedded target, which enforces policies: a user with the policy runs the suites there in one account.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.session import Session

from surveyor.account.permissions import policy_of
from surveyor.claims.selection import Selection
from surveyor.conformance.run import RunConfig, run_suites
from surveyor.errors import SurveyorError
from surveyor.layout import Layout
from surveyor.targets import Target, load_target
from surveyor.targets.options import TargetOptions
from surveyor.targets.process import start
from surveyor.verdicts import Verdict

__all__ = ["PermissionSandbox", "bench_for"]

_ACCOUNT = "111122223333"
_ROLE = "surveyor"
_TARGET = """
description = "the embedded target, as a user with a policy meets it"
endpoint = "{endpoint}"
clock = "control"
dns = "control"
features = {features}

[credentials]
kind = "environment"
"""


@dataclass(frozen=True)
class PermissionSandbox:
    """A place where a user's policy can be set, and claims judged as that user. `role` is what the user narrows."""

    endpoint: str
    file: Path
    layout: Layout
    role: str

    def judge(self, actions: Sequence[str], claims: Sequence[str], out: Path) -> list[str]:
        """What goes wrong where user and role may do these: claims that do not pass, or why nothing could begin."""
        iam = _client(self.endpoint, "iam")
        document = policy_of(actions)
        iam.put_user_policy(UserName=_ROLE, PolicyName="run", PolicyDocument=document)
        iam.put_role_policy(RoleName=_ROLE, PolicyName="run", PolicyDocument=document)
        given = TargetOptions(account=_ACCOUNT, role=self.role)
        order = RunConfig(self.layout, str(self.file), out, Selection(claims=tuple(claims)), given=given)
        try:
            report = run_suites(order)
        except SurveyorError as refused:
            return [str(refused)]
        wrong = [claim.id for claim in report.claims if claim.verdict not in (Verdict.PASS, Verdict.NOT_RUN)]
        return ([report.failure] if report.failure else []) + wrong + list(report.left_behind)


@contextmanager
def bench_for(target: Target, layout: Layout) -> Iterator[PermissionSandbox]:
    """An embedded target with the features of `target`, a user, and a role that it may assume."""
    embedded = load_target("embedded", layout.targets)
    assert embedded.start is not None
    started = start("embedded", embedded.start, seed=7)
    try:
        iam = _client(started.endpoint, "iam")
        iam.create_user(UserName=_ROLE)
        key = iam.create_access_key(UserName=_ROLE)["AccessKey"]
        owner = {"AWS": f"arn:aws:iam::{_ACCOUNT}:root"}
        trust = {"Effect": "Allow", "Principal": owner, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = iam.create_role(RoleName=_ROLE, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        names = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        with tempfile.TemporaryDirectory(prefix="surveyor-") as scratch, _environment(names):
            file = Path(scratch) / "harness.toml"
            features = json.dumps(sorted((target.features or frozenset()) | {"iam", "clock-control"}))
            file.write_text(_TARGET.format(endpoint=started.endpoint, features=features), encoding="utf-8")
            yield PermissionSandbox(started.endpoint, file, layout, role)
    finally:
        started.stop()


def _client(endpoint: str, service: str) -> Any:
    return Session().create_client(
        service, region_name="us-east-1", endpoint_url=endpoint, aws_access_key_id=_ACCOUNT,
        aws_secret_access_key="surveyor", config=Config(proxies={}),
    )  # fmt: skip


@contextmanager
def _environment(names: Mapping[str, str]) -> Iterator[None]:
    """Credentials that the run finds in its environment."""
    before = {name: os.environ.get(name) for name in (*names, "AWS_SESSION_TOKEN", "AWS_PROFILE")}
    for name in before:
        os.environ.pop(name, None)
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
