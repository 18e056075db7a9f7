"""Handlers of events other than HTTP calls."""
