"""Sweeps: a pipeline's variants and seeds side by side, here or on a Ray cluster; DVC records them."""

import chromseg.cohort  # noqa: F401  # it says how Ray is to be imported
