"""Exported models measured against each other: `ctrgcn benchmark`."""
