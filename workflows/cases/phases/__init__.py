"""Runs of several stages that more than one procedure shares."""
