"""The stages that procedures are made of. Each asks for its deadline, waits, and returns one closed answer."""
