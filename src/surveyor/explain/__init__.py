"""Explain why a request was denied: which statement decided, or which is missing, and what would allow the request."""
