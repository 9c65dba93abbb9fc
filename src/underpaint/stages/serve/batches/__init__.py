"""Files and batches: many requests in one file, each a durable job, and one file of answers."""
