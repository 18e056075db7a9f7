"""Metrics for Prometheus, for CloudWatch, or none."""
