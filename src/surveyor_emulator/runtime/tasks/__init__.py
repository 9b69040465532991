"""Containers as processes of this machine: started, watched, stopped and never left behind; each task has an address.

A fork server with the workload imported starts them (``fork_server``); the target talks to it (``supervisor``). The
rest of the target uses the `Process` that the supervisor returns.
"""
