"""The guarantees that an order carries, and the claims on them."""
