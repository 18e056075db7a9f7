"""Groups, people, and whose face a face is."""
