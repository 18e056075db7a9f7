"""Runs the functions of template.yaml on one machine."""
