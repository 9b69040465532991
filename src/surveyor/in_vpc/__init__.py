"""Whole commands inside a VPC: a task of the run that runs one of Surveyor's commands, as if it ran here.

`surveyor_agents.remote_command` is the program of the task. The command's program goes in, and output, report and
ledgers come out, through the mailbox of the run, by presigned URLs, as with a vantage. The task has a role of the user.
"""

from __future__ import annotations

from surveyor.in_vpc.commands import InnerCommand, Output
from surveyor.in_vpc.recovery import FOLDER, enclosing, recover_all
from surveyor.in_vpc.session import IMAGE, InVpcOptions, run_in_vpc
from surveyor.in_vpc.target_there import target_words

__all__ = [
    "FOLDER",
    "IMAGE",
    "InVpcOptions",
    "InnerCommand",
    "Output",
    "enclosing",
    "recover_all",
    "run_in_vpc",
    "target_words",
]
