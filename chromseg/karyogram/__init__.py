"""From the chromosomes of a cell to its karyogram: straightened, upright, placed two by two in the usual rows."""
