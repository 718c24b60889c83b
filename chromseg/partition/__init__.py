"""Crossing-partition: two maps in, one mask per chromosome out."""
