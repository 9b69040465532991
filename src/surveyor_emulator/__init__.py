"""The embedded target: Cloud Map, Route 53, ECS and the services that they need, over real sockets, in one process.

It replaces an AWS account for tests. It does not know the suites that judge it: it imports nothing else of Surveyor
(except the programs that run in tasks), and Surveyor reaches it as any client does, over HTTP and DNS.
"""
