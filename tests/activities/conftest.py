"""What these tests share: the stand-in platform."""

from tests.platform_fixtures import platform

__all__ = ["platform"]
