"""The checks of prepared data: what is measured, what is looked for in it, and how it is told."""
