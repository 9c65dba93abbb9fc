"""The pages for people: of an evaluation, a comparison, a gate's decision and a sweep."""
