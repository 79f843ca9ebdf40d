"""What is worth retrying: each task resolves its resources, calls one plain function and returns a handle.

Handles travel between tasks, never frames; only transient errors are retried.
"""
