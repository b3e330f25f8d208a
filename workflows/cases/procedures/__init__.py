"""One procedure for each kind of case: its steps in order. Procedures do not know one another."""
