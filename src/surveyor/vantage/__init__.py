"""The vantage of a run: a task inside a VPC that asks names and calls tasks for a run outside of it.

`surveyor_agents.vantage` is the program of the task. Commands and answers are objects in a bucket of the run, which
both sides reach by presigned URLs: nothing listens in the VPC, and the task has no role.
"""

from __future__ import annotations

from surveyor.vantage.places import VantagePlace, choose_place
from surveyor.vantage.requests import certificate_through, command_task_through
from surveyor.vantage.vantages import Vantages, at_main_vantage, open_main, vantages_of

__all__ = [
    "VantagePlace",
    "Vantages",
    "at_main_vantage",
    "certificate_through",
    "choose_place",
    "command_task_through",
    "open_main",
    "vantages_of",
]
