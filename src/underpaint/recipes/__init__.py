"""Recipes: the complete settings of a training run as one documented function each."""
