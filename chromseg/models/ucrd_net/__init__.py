"""UCRD-Net: chromosomes as instances, straight from the whole metaphase.

`network.py` shows the whole; each other file is one of its parts.
"""

from chromseg.models.ucrd_net.anchor_coverage import cover_anchors
from chromseg.models.ucrd_net.anchor_shapes import anchor_ious
from chromseg.models.ucrd_net.anchors import fit_anchors, with_fitted_anchors
from chromseg.models.ucrd_net.backbone import Backbone
from chromseg.models.ucrd_net.images import STRIDE
from chromseg.models.ucrd_net.network import UCRDNet
from chromseg.models.ucrd_net.rois import paste_masks
from chromseg.models.ucrd_net.targets import Detections, Target
from chromseg.models.ucrd_net.uncertainty import rescore

__all__ = [
    "STRIDE",
    "Backbone",
    "Detections",
    "Target",
    "UCRDNet",
    "anchor_ious",
    "cover_anchors",
    "fit_anchors",
    "paste_masks",
    "rescore",
    "with_fitted_anchors",
]
