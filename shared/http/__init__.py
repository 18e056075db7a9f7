"""From a gateway event to a call, and from its outcome to a reply."""
