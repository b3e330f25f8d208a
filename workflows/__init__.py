"""The case: deterministic, and written to be read like a procedure."""
