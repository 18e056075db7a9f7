"""Commands for those who build and maintain this product."""
