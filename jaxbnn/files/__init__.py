"""Files: atomic writes, checked .npz archives, tables of text. Knows nothing of the rest of
jaxbnn."""
