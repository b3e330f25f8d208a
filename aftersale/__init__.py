"""After-sale cases whose clocks come from an effective-dated policy book.

What a backend service installs: the vocabulary, the policy book, the typed client and
the command line. Nothing in here runs a case; that is the worker's business.
"""
