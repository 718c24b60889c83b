"""Pixels before anything is known of chromosomes: decoded, brought to absorbance, tone and size, looked at."""
