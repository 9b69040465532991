"""Check that a policy is the minimum a run needs: with it all claims pass, without any single action one fails.

The check runs on the embedded target, which enforces policies: a user with the policy runs the suites in one account.
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

from surveyor.account.permissions import format_policy
from surveyor.claims.selection import Selection
from surveyor.conformance.run import RunConfig, run_suites
from surveyor.errors import SurveyorError
from surveyor.layout import Layout
from surveyor.targets import Target, load_target
from surveyor.targets.options import TargetOptions
from surveyor.targets.process import start
from surveyor.verdicts import Verdict

__all__ = ["PermissionSandbox", "permission_sandbox"]

_ACCOUNT = "111122223333"
_ROLE = "surveyor"
_TARGET = """
description = "the embedded target, used with the permissions of one policy"
endpoint = "{endpoint}"
clock = "control"
dns = "control"
features = {features}

[credentials]
kind = "environment"
"""


@dataclass(frozen=True)
class PermissionSandbox:
    """An embedded target with a user whose policy can be set. `role` is the role that the IAM tests assume."""

    endpoint: str
    file: Path
    layout: Layout
    role: str

    def judge(self, actions: Sequence[str], claims: Sequence[str], out: Path) -> list[str]:
        """Return what fails while user and role have these permissions: claims, or why the run did not start."""
        iam = _client(self.endpoint, "iam")
        document = format_policy(actions)
        iam.put_user_policy(UserName=_ROLE, PolicyName="run", PolicyDocument=document)
        iam.put_role_policy(RoleName=_ROLE, PolicyName="run", PolicyDocument=document)
        options = TargetOptions(account=_ACCOUNT, role=self.role)
        selection = Selection(claims=tuple(claims))
        config = RunConfig(self.layout, str(self.file), out, selection, target_options=options)
        try:
            report = run_suites(config)
        except SurveyorError as error:
            return [str(error)]
        not_passed = [claim.id for claim in report.claims if claim.verdict not in (Verdict.PASS, Verdict.NOT_RUN)]
        return ([report.failure] if report.failure else []) + not_passed + list(report.leaked_resources)


@contextmanager
def permission_sandbox(target: Target, layout: Layout) -> Iterator[PermissionSandbox]:
    """Start an embedded target with the features of `target`, a user, and a role that the user may assume."""
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
        variables = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        with tempfile.TemporaryDirectory(prefix="surveyor-") as scratch, _environment(variables):
            file = Path(scratch) / "harness.toml"
            features = json.dumps(sorted((target.features or frozenset()) | {"iam", "clock-control"}))
            file.write_text(_TARGET.format(endpoint=started.endpoint, features=features), encoding="utf-8")
            yield PermissionSandbox(started.endpoint, file, layout, role)
    finally:
        started.stop()


def _client(endpoint: str, service: str) -> Any:
    return Session().create_client(
        service, region_name="us-east-1", endpoint_url=endpoint, aws_access_key_id=_ACCOUNT,
        aws_secret_access_key="surveyor", config=Config(proxies={}),  # noqa: S106  # the public secret
    )  # fmt: skip


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set credentials in the environment, and restore it afterwards."""
    before = {name: os.environ.get(name) for name in (*variables, "AWS_SESSION_TOKEN", "AWS_PROFILE")}
    for name in before:
        os.environ.pop(name, None)
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
