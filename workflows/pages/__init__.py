"""One page for each kind of case: the steps, in the order in which they happen. Pages do not know one another."""
