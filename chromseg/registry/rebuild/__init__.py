"""A version trained again from what its lineage says."""
