"""What these tests share: the stand-in platform, and records in both databases."""

from tests.platform_fixtures import platform

