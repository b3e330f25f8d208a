"""The workflows: deterministic code, written to be read like a procedure."""
