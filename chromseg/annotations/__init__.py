"""The data contract: COCO instances ⇄ masks, derived maps, clusters, case-wise splits, dataset cards."""

from chromseg.annotations.clusters import (
    CUTOUT_SIZE,
    MIN_CROSSING_AREA,
    Cluster,
    crossing_clusters,
    cut_out,
    find_clusters,
    is_touching,
)
from chromseg.annotations.dataset import (
    Dataset,
    DatasetCard,
    ImageRecord,
    InstanceRecord,
    load_boxes,
    load_classes,
    load_ignored,
    load_image,
    load_maps,
    load_masks,
    read_dataset,
    write_dataset,
)
from chromseg.annotations.maps import chromosome_map, crossing_map, label_regions
from chromseg.annotations.rasterize import decode_rle, encode_rle, rasterize
from chromseg.annotations.samples import Sample, read_samples, write_samples
from chromseg.annotations.splits import SPLITS, assign_fold, assign_splits

__all__ = [
    "CUTOUT_SIZE",
    "MIN_CROSSING_AREA",
    "SPLITS",
    "Cluster",
    "Dataset",
    "DatasetCard",
    "ImageRecord",
    "InstanceRecord",
    "Sample",
    "assign_fold",
    "assign_splits",
    "chromosome_map",
    "crossing_clusters",
    "crossing_map",
    "cut_out",
    "decode_rle",
    "encode_rle",
    "find_clusters",
    "is_touching",
    "label_regions",
    "load_boxes",
    "load_classes",
    "load_ignored",
    "load_image",
    "load_maps",
    "load_masks",
    "rasterize",
    "read_dataset",
    "read_samples",
    "write_dataset",
    "write_samples",
]
