"""A case: what it holds, which moves it takes, who is awaited, and what it owes. Pure."""
