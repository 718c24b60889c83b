"""Metaphases and crossing clusters with exact truth."""

from chromseg.synthesis.clusters import lay_cluster, lay_clusters, single_drawing
from chromseg.synthesis.dataset import synthesize_dataset
from chromseg.synthesis.metaphase import synthesize_metaphase
from chromseg.synthesis.picture import DrawnPicture, write_pictures

__all__ = [
    "DrawnPicture",
    "lay_cluster",
    "lay_clusters",
    "single_drawing",
    "synthesize_dataset",
    "synthesize_metaphase",
    "write_pictures",
]
