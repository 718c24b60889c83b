"""`chromseg-ops data`, a file an idea; `verbs.py` lists them."""
