"""TIPC, upstream's train-infer-python chain: prepared, run with upstream's own scripts, and judged by numbers."""
