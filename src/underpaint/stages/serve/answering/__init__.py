"""Answers: what callers get for finished pictures, in the form of OpenAI's API."""
