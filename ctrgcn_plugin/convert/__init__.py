"""Checkpoints of other implementations of CTR-GCN, and of other libraries, in and out."""
