"""What callers ask for: the fields of a request, and the complete settings of every picture that it means."""
