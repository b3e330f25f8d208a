"""Courses: what may happen to a case or to a watch, drawn by seed, driven, and held against the rules at every step."""
