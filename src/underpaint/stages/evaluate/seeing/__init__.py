"""Extractors and what they see in pictures."""
