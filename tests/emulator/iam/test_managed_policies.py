"""AWS's managed policies are parsed once, and no account sees what another does with them."""

from __future__ import annotations

from surveyor.targets.running import RunningTarget

ARN = "arn:aws:iam::aws:policy/AWSCloudMapReadOnlyAccess"


def test_each_account_has_its_own_copies(running: RunningTarget) -> None:
    """An attachment counts in one account only, and an account that has called another service before has them too."""
    counts = {}
    for account in ("111111111111", "222222222222"):
        running.clients.client("logs", account).describe_log_groups()
        iam = running.clients.client("iam", account)
        policy = iam.get_policy(PolicyArn=ARN)["Policy"]
        iam.create_user(UserName="reader")
        iam.attach_user_policy(UserName="reader", PolicyArn=ARN)
        counts[account] = (policy["AttachmentCount"], iam.get_policy(PolicyArn=ARN)["Policy"]["AttachmentCount"])
        version = iam.get_policy_version(PolicyArn=ARN, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        assert "servicediscovery:Get*" in version["Document"]["Statement"][0]["Action"]
    assert counts == dict.fromkeys(counts, (0, 1))
