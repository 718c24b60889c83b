"""Crossing-partition: two maps in, one mask per chromosome out."""

from chromseg.partition.partition import ALGORITHMS, Partition, partition_crossings

__all__ = ["ALGORITHMS", "Partition", "partition_crossings"]
