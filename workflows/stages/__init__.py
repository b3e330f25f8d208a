"""The stages that pages are made of. Each asks for its deadline, waits, and returns one closed answer."""
