"""Clinical measurements: landmarks and spacing in, readings out, and the inverse constructors."""
