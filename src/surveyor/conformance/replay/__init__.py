"""Repeat recordings on a target, and compare its answers with what AWS was seen to answer."""
