"""Where counts go: to nobody, to Prometheus, or to CloudWatch."""
