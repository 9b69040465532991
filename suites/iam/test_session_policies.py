"""Session policies that AssumeRole refuses, and those that it accepts."""

import json

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import is_refused, proves

STATEMENT: dict[str, object] = {"Effect": "Allow", "Action": "servicediscovery:GetService", "Resource": "*"}
MANAGED = [
    f"arn:aws:iam::aws:policy/{name}"
    for name in (
        "AmazonEC2FullAccess", "AmazonEC2ReadOnlyAccess", "AmazonS3FullAccess", "AmazonS3ReadOnlyAccess",
        "IAMFullAccess", "IAMReadOnlyAccess", "AmazonRoute53FullAccess", "AmazonRoute53ReadOnlyAccess",
        "AWSCloudMapFullAccess", "AWSCloudMapReadOnlyAccess", "AWSCloudMapRegisterInstanceAccess",
    )
]  # fmt: skip
MALFORMED_STATEMENTS: dict[str, dict[str, object]] = {
    "no effect": {"Effect": None},
    "effect in lower case": {"Effect": "allow"},
    "no action": {"Action": None},
    "empty action": {"Action": []},
    "action as a number": {"Action": 1},
    "action without service": {"Action": "GetService"},
    "Action and NotAction": {"NotAction": "ecs:*"},
    "no resource": {"Resource": None},
    "empty resource": {"Resource": []},
    "resource that is no ARN": {"Resource": "srv-1"},
    "wildcard in the service": {"Resource": "arn:aws:*:us-east-1:111122223333:service/*"},
    "Resource and NotResource": {"NotResource": "*"},
    "principal": {"Principal": {"AWS": "*"}},
    "unknown element": {"Resources": "*"},
    "Sid with a blank": {"Sid": "a b"},
    "condition as a list": {"Condition": []},
    "unknown operator": {"Condition": {"StringEqual": {"aws:userid": "a"}}},
    "unknown prefix": {"Condition": {"ForSome:StringEquals": {"aws:userid": "a"}}},
    # IAM User Guide, reference_policies_elements_condition_operators: "You can add IfExists to the end of any condition
    # operator name except the Null condition"
    "NullIfExists": {"Condition": {"NullIfExists": {"aws:userid": "true"}}},
    "condition without key": {"Condition": {"StringEquals": "a"}},
    "object as a value": {"Condition": {"StringEquals": {"aws:userid": {"a": "b"}}}},
}
MALFORMED = {
    "not JSON": "{",
    "a list": [STATEMENT],
    "no statement": {"Version": "2012-10-17"},
    "empty statement": {"Statement": []},
    "unknown version": {"Version": "2012-10-18", "Statement": [STATEMENT]},
    "version as a number": {"Version": 2012, "Statement": [STATEMENT]},
    "unknown element of the policy": {"Statement": [STATEMENT], "Comment": "none"},
    "one Sid twice": {"Statement": [{**STATEMENT, "Sid": "a"}, {**STATEMENT, "Sid": "a"}]},
    "malformed second statement": {"Statement": [STATEMENT, {**STATEMENT, "Effect": "Permit"}]},
    **{
        name: {"Statement": [{key: value for key, value in {**STATEMENT, **change}.items() if value is not None}]}
        for name, change in MALFORMED_STATEMENTS.items()
    },
}
VALID = {
    "one statement without a list": {"Statement": STATEMENT},
    "both versions": {"Version": "2008-10-17", "Statement": [STATEMENT]},
    "several Sids": {"Statement": [{**STATEMENT, "Sid": "a1"}, {**STATEMENT, "Sid": "B2"}, STATEMENT]},
    "lists": {"Statement": [{**STATEMENT, "Action": ["ecs:*", "*"], "Resource": ["*", "arn:aws:ecs:*:*:cluster/*"]}]},
    "numbers and booleans": {
        "Statement": {
            **STATEMENT,
            "Condition": {"NumericEquals": {"ecs:task-cpu": [256, 1.5]}, "Bool": {"aws:ViaAWSService": True}},
        }
    },
}


@pytest.fixture
def assume(assumable_role, unique_name):
    """Assume the role with these members."""

    def assume_role(**params):
        session = {"RoleArn": assumable_role.role, "RoleSessionName": unique_name("session")[-64:]}
        return assumable_role.sts.assume_role(**session, **params)["AssumedRoleUser"]

    return assume_role


@proves("iam.session-policies.malformed")
def test_malformed_session_policies_are_refused(assume):
    """Each session policy that breaks the grammar raises MalformedPolicyDocument; valid ones are accepted."""
    for policy in VALID.values():
        assert assume(Policy=json.dumps(policy))
    for name, policy in MALFORMED.items():
        with pytest.raises(ClientError) as refusal:
            assume(Policy=policy if isinstance(policy, str) else json.dumps(policy))
        assert (name, refusal.value.response["Error"]["Code"]) == (name, "MalformedPolicyDocument")


@proves("iam.session-policies.limits")
def test_size_of_session_policies(assume):
    """A policy of 2,048 characters and ten ARNs are accepted; one character or ARN more is refused."""
    # sts/AssumeRoleRequest.PolicyArns: "You can provide up to 10 managed policy ARNs. However, the plaintext … for both
    # inline and managed session policies can't exceed 2,048 characters."
    longest = f"{json.dumps({'Statement': STATEMENT}):<2048}"
    assert assume(Policy=longest)
    assert is_refused(lambda: assume(Policy=f"{longest} "))
    arns = [{"arn": arn} for arn in MANAGED]
    assert assume(PolicyArns=arns[:10])
    assert is_refused(lambda: assume(PolicyArns=arns))


@proves("iam.session-policies.limits")
def test_unknown_managed_policy_is_refused(assume):
    """The ARN of a managed policy that does not exist is refused, also beside one that exists."""
    # sts/AssumeRoleRequest.PolicyArns: "The policies must exist in the same account as the role."
    unknown = {"arn": f"{MANAGED[0]}Unknown"}
    assert is_refused(lambda: assume(PolicyArns=[unknown]))
    assert is_refused(lambda: assume(PolicyArns=[{"arn": MANAGED[0]}, unknown]))
