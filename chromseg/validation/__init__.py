"""Great Expectations suites over tables of per-image and per-annotation facts."""
