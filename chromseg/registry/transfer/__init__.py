"""Versions and whole stores on their way in and out."""
