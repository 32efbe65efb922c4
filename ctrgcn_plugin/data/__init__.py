"""Skeleton clips: an animated, labelled set to train on where there is no data."""
