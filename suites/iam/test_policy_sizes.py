"""The sizes of policies: of the inline policies of a user or role in total, and of a managed policy."""

import json

from surveyor.testing import proves, raises

USER, ROLE, MANAGED = 2_048, 10_240, 6_144


def document(characters):
    """Return a policy with this number of characters, without white space."""
    statement = {"Sid": "", "Effect": "Allow", "Action": "servicediscovery:GetService", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
    return text.replace('"Sid":""', f'"Sid":"{"a" * (characters - len(text))}"')


def spaced(text):
    """Return a policy with white space between its elements."""
    return text.replace(",", ",\n  ")


def check_inline(put, size):
    """Check that inline policies have this size in total."""
    with raises("LimitExceeded"):
        put(PolicyName="large", PolicyDocument=document(size + 1))
    put(PolicyName="large", PolicyDocument=spaced(document(size)))
    with raises("LimitExceeded"):
        put(PolicyName="second", PolicyDocument=document(200))
    put(PolicyName="large", PolicyDocument=document(size))


@proves("iam.policies.have-a-size")
def test_inline_policies_of_a_user(iam, make_user, unique_name):
    """The inline policies of a user have 2,048 characters in total."""
    name = unique_name("user")
    make_user(UserName=name)
    check_inline(lambda **policy: iam.put_user_policy(UserName=name, **policy), USER)


@proves("iam.policies.have-a-size")
def test_inline_policies_of_a_role(iam, make_role, unique_name):
    """The inline policies of a role have 10,240 characters in total."""
    name = unique_name("role")
    make_role(RoleName=name)
    check_inline(lambda **policy: iam.put_role_policy(RoleName=name, **policy), ROLE)


@proves("iam.policies.have-a-size")
def test_a_managed_policy(iam, unique_name):
    """A managed policy has 6,144 characters."""
    with raises("LimitExceeded"):
        iam.create_policy(PolicyName=unique_name("large"), PolicyDocument=document(MANAGED + 1))
    iam.create_policy(PolicyName=unique_name("policy"), PolicyDocument=spaced(document(MANAGED)))
