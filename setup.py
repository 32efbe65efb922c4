"""Build steps that pyproject.toml cannot express; all metadata is there."""

from setuptools import setup

setup()
