"""Outlines for sets that have boxes alone, as far as pixels and a model tell them; the rest is to be ignored."""

from chromseg.outlining.dataset import Outlining, outline_dataset

__all__ = ["Outlining", "outline_dataset"]
