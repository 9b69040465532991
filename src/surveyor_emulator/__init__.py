"""The embedded target: Cloud Map, Route 53 and what they need, over real sockets, in one process.

It stands for an AWS account that anybody can have at once. It knows nothing of the suites that judge it: it imports
nothing else of Surveyor, and Surveyor reaches it only as any client would, over HTTP and DNS.
"""
