"""The stand-in platform for these tests."""

from tests.support.platform_fixtures import platform

__all__ = ["platform"]
