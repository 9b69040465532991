"""The real Envoy as a process: where it is, how it runs, and the files and sockets by which it is told and asked."""
