"""The pure half of the ledger: what may be reserved and paid, and how it is shared out."""
