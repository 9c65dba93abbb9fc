"""Efficiency: time, memory, arithmetic, energy, carbon and money, each with its uncertainty."""
