"""`chromseg-ops models`, a file an idea; `verbs.py` lists them."""
