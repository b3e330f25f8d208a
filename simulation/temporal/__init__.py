"""Temporal in memory: runs and their histories, a worker's cache, and the service that the SDK's client speaks to.

It does to workflow code what server and SDK core do, down to the order of jobs in an activation; what it does not do
is wait, store or speak over a network.
"""
