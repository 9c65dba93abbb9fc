"""Which waiting requests are drawn together, and in which order: pure functions of what waits and of the time."""
