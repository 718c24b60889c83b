"""One file per public format, each turning someone's annotated images into the data contract."""
