"""The real Envoy as a process: its binary, its life, and the files and sockets that configure and query it."""
