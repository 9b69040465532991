"""Load that hides nothing: attempts on a schedule, each at one address, with a check that the counts come out right.

Nothing here is imported beside boto3 unless gevent has patched the sockets first: Locust runs as a process of its own.
"""

from __future__ import annotations
