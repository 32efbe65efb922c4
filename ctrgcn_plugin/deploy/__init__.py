"""From a trained network to an inference model that is proven to compute the same, and to its predictions.

``export`` writes a model, after ``gate`` has held it against the network in every setting of ``engine``
that a user may meet; ``predictor`` uses it.
"""
