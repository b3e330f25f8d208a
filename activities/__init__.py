"""What a case asks of the world outside its history: one module per outside party."""
