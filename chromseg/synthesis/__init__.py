"""Metaphases and crossing clusters with exact truth."""
