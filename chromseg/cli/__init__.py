"""`chromseg-ops`, one file or folder a group of verbs."""
