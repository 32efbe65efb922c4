"""Prediction beyond one machine: the predictor mapped over any number of clips with Ray Data."""
