"""Teaching a saved model a person's own style."""
