"""From what was seen to numbers."""
