"""The commands of `aftersale policy`: the book, its differences, drafts, impact and rollout."""
