"""Datasets, augmentation, the loop and checkpoints."""
