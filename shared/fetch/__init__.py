"""Downloads of images that callers name by URL, and what is refused."""
