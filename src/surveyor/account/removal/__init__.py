"""Deletion of what a run created: the resources of its ledger and what is inside them, nothing else.

A resource whose create call was not answered is found by what only this run can have given it: its name, its tag, its
caller reference.
"""

from __future__ import annotations

from surveyor.account.removal.account import Account, FindIds, Problems
from surveyor.account.removal.ecs import MAX_DEFINITIONS
from surveyor.account.removal.order import DeletionResult, delete_resources

__all__ = ["MAX_DEFINITIONS", "Account", "DeletionResult", "FindIds", "Problems", "delete_resources"]
