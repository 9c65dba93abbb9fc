"""The HTTP server; the only place that imports a web framework."""
