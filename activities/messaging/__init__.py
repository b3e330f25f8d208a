"""Deliver messages to parties: take them from the outbox, put them into words, send them through channels."""
