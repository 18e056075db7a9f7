"""The vision path: the only users of onnxruntime and OpenCV."""
