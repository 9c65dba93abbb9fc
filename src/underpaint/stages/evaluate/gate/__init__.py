"""Pass, fail or undecided."""
