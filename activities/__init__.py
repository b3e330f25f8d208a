"""Calls out of the workflows, as activities: one module for each outside party."""
