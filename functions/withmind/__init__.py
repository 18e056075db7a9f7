"""WithMind AIM face recognition 1.0."""
