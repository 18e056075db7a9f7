"""Downloads the published weights, converts them once, and verifies the result."""
