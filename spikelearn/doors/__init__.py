"""Doors: this package from inside others that people know. Each is imported when it is first used."""
