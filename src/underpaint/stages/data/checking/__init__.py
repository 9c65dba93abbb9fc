"""The check of a finished data set: what was looked for, what was found, and how far the search can be trusted."""
