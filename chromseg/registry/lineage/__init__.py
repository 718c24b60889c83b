"""Where a model comes from: its data, code, environment, ancestors."""
