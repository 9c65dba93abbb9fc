"""Sheets: one subject in many moods, drawn as durable jobs."""
