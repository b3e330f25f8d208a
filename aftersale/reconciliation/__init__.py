"""Reconciliation: what Temporal, records, outbox, ledger and payment service say, held against one another. Pure."""
