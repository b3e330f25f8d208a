"""The stand-in platform for these tests."""

from tests.platform_fixtures import platform

__all__ = ["platform"]
