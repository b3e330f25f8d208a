"""Work that runs beside a stage while it waits: refunds, pickups, approvals, breaches."""
