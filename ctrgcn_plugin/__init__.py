"""Lightweight CTR-GCN models for stock PaddleVideo.

This package is imported at every interpreter start (see :mod:`ctrgcn_plugin.autoload`),
so nothing is imported here.
"""

__version__ = "0.1.0"
