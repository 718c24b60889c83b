"""MLflow's store, its runs and its pages."""
