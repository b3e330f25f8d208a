"""A trial of the whole on one machine: a local Temporal server, stand-in services, example cases, the tour."""
