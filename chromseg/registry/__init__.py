"""Tracking, lineage, packaging and promotion: the only users of MLflow."""
