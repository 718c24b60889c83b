"""What serving costs and stands, a file a measurement; `python -m benchmarks.serving` runs them."""
