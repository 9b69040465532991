"""Containers as processes of this machine: started, watched, stopped and never left behind, each task with an address.

A parent process with the workload imported forks them (``parent``), the target talks to it (``supervisor``); the rest
of the target knows containers by the handle that the supervisor gives.
"""
