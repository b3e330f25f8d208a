"""What a case costs: counted from its history, and measured beside simpler workflows."""
