"""The policy book: dated limits and notices as reviewed data, and the arithmetic that reads them."""
