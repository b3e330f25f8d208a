"""The dispatch watch as a workflow, and the desk at which it is kept."""
