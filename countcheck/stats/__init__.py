"""How sure we are: estimates with intervals, and nothing that touches the world."""
