"""The search for a faster model that is proven to draw as well."""
