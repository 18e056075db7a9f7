"""ETRI FaceDeID."""
