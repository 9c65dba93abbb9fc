"""Advice: machines, cost, energy and carbon of a model at a volume, for each place where it could run."""
