"""The simulator: the production workflow code, driven without a server, through any order of events, by seed."""
