"""The gallery: pictures of an owner that stay until they are deleted, with what made them and what they cost."""
