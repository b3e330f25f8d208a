"""Measures of what a case costs: counted from its history, and timed beside simpler workflows."""
