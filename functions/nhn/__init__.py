"""NHN Cloud Face Recognition v1.0."""
