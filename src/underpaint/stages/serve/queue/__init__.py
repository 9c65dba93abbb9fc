"""The durable job queue: accepted once, worked on by one worker at a time, finished once, in SQLite or PostgreSQL."""
