"""What an AWS account in use does and an unused emulator does not: throttling, late reads, failures, other teams."""

from .conditions import AccountInUse

__all__ = ["AccountInUse"]
