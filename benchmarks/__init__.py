"""Measurements: each program prints or writes figures that docs name, `python -m benchmarks.NAME`."""
