"""What is asked for, what draws it, and the pictures."""
