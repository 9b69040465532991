"""Load with honest counts: attempts on a schedule, each at one address, and a self-check that the counts are right.

Nothing here is imported beside boto3 unless gevent has patched the sockets first: Locust runs in a separate process.
"""

from __future__ import annotations
