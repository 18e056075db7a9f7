"""Makes what template.yaml keeps state in, on AWS or on a stand-in for it."""
