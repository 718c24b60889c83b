"""Cohorts: many pictures on a cluster. Ray distributes, PyArrow knows the stores; both are the extra `cluster`."""
