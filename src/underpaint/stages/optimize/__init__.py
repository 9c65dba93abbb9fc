"""Making a model cheaper without making it worse."""
