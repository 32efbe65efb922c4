"""Skeleton layouts: which joints there are, which bones join them, and the graph made from them."""

from ctrgcn_plugin.layouts.layout import DEFAULT, Layout, available, get

__all__ = ["DEFAULT", "Layout", "available", "get"]
