"""Readers of data sets and of formats for clips of one's own, and what they share."""
