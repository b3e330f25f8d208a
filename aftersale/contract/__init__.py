"""The shapes that other programs send and get: requests, commands, statuses and messages."""
