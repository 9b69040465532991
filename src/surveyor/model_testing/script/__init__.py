"""A divergence as a Python program that shows it by itself: plain boto3, and dnspython where names are asked.

It is made of the history, not of what a target sent, so nothing but the model's own words gets into the code; what
came stands above it in comments, each on one line.
"""

from __future__ import annotations

from surveyor.model_testing.script.program import Told, program

__all__ = ["Told", "program"]
