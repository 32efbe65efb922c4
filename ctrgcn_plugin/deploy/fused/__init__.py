"""The trained network as exact algebra makes it smallest and fastest, for Paddle and ONNX from one description."""
