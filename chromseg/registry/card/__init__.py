"""The model card: what a person must know before using a model."""
