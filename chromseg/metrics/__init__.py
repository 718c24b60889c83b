"""Segmentation, splicing and detection metrics in pure NumPy."""
