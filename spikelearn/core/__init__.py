"""The compiled core: plain numbers and arrays, nothing of the layers above."""
