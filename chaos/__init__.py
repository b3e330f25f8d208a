"""Chaos: cases and watches on a real server, while workers die and freeze, databases lock and services misbehave.

Everything is drawn from a seed; how it interleaves is the machine's to say, so that a seed names no course that could
be played again step by step.
"""
