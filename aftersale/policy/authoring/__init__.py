"""Tools of a policy officer, which no worker loads: lint, coverage, examples, diff, impact and drafts of notices."""
