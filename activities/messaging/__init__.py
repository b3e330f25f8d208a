"""The parties, told: what is owed to them is taken from the outbox, put into words, and sent through their channels."""
