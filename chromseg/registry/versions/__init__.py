"""Registered versions: put in, found, packed, checked, taken out of use."""
