"""The rules: plain functions over frozen values and ports."""
