"""Serving: pictures on request, from durable jobs."""
