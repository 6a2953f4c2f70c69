"""What happens to images between their storage and a net: augmentations by name, normalization."""
