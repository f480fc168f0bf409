"""Statistics that know no row: estimates with intervals, tests, the bootstrap and anytime-valid bounds."""
