"""Fetches the published weights, converts them once, and verifies what was prepared."""
