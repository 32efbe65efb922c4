"""From a data set's own files to what upstream's SkeletonDataset reads."""
