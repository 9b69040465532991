"""The vantage of a run: a task inside a VPC that asks names and calls tasks for a run outside of it.

`surveyor_agents.vantage` is the program of the task. Commands and answers are objects in a bucket of the run, which
both sides reach by presigned URLs: nothing listens in the VPC, and the task has no role.
"""

from __future__ import annotations

from surveyor.vantage.places import VantagePlace, choose_place
from surveyor.vantage.vantages import Vantages

__all__ = ["VantagePlace", "Vantages", "choose_place"]
