"""How this product speaks Temporal: the client plugin, the worker, the search attributes."""
