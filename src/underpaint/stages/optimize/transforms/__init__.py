"""Named, serializable, reversible changes of a pipeline's parts, and the refusals of those that do not fit."""
