"""Phases: stages in one order, which more than one procedure shares."""
