"""Photos and the faces in them."""
