"""A model and a dataset → scores and slices; what stages, `models evaluate` and the gates call."""
