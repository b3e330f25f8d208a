"""The workplace in which a festival is lived through."""

from tests.support.places import place, server, simulator

__all__ = ["place", "server", "simulator"]
