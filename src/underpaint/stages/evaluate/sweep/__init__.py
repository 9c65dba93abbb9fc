"""A grid of settings."""
