"""Pictures that a model draws become a data set artifact that says so."""
