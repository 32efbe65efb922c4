"""Skeleton layouts: which joints there are, which bones join them, and the graph made from them."""

from ctrgcn_plugin.layouts.layout import Layout
from ctrgcn_plugin.layouts.reading import DEFAULT, available, get, with_joints

__all__ = ["DEFAULT", "Layout", "available", "get", "with_joints"]
