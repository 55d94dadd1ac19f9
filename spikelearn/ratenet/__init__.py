"""Rate networks and the rules that train them without automatic differentiation, to compare answers with each other."""
