"""Skeleton clips: how one is read, and an animated set to train on where there is no data."""
