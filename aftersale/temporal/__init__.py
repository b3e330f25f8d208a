"""Connections to Temporal: the client plugin, the worker, the search attributes."""
