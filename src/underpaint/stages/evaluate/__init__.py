"""Evaluation: numbers with intervals, a page and a verdict."""
