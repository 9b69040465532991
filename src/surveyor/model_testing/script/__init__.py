"""A divergence as a Python program that reproduces it: plain boto3, and dnspython where names are resolved.

The program is generated from the history, not from what a target sent, so the code contains only the model's own words.
What was observed is in the comments at the top, each on one line.
"""

from __future__ import annotations

from surveyor.model_testing.script.program import DivergenceContext, format_program

__all__ = ["DivergenceContext", "format_program"]
