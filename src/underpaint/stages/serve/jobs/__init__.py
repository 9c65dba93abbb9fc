"""Durable jobs: handed in over HTTP, drawn by the same device as everything else, looked at while they run."""
