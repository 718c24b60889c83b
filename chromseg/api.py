"""The Python interface: `load_predictor`."""
