"""Cases as workflows: their types, procedures, phases, stages, and the desk at which they are worked."""
