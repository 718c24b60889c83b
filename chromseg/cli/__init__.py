"""`chromseg-ops`, one file per group of verbs."""
