"""From a saved pipeline to a graph that an engine runs without torch."""
