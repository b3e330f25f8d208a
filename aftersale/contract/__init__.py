"""What other programs send and get: requests, commands, statuses and messages."""
