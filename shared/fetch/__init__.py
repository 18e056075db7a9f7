"""Downloads of images from URLs of callers, guarded against server-side request forgery."""
