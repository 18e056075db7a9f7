"""Where counts go: nowhere, to Prometheus, or to CloudWatch."""
