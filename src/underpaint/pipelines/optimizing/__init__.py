"""The half of every transform that a saved model needs when it is opened."""
