"""CTR-GCN models in plain Paddle: units, backbones as stage tables, the head, mutual learning.

Chen et al., "Channel-wise Topology Refinement Graph Convolution for Skeleton-Based Action
Recognition", ICCV 2021. Nothing here imports PaddleVideo.
"""
