"""What a policy officer needs and no worker loads: lint, coverage, examples, diff, impact and drafts of notices."""
