"""Cohorts: many pictures on a cluster. Ray distributes, PyArrow knows the stores; both are the extra `cluster`."""

import os

# Ray reads these when it is imported, which every file of this package may be the first to do.
for _name, _value in {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to anybody
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # else it warns that workers with arguments may not start again: here they do
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # what it says of workers that die would stand among results on stdout
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # as Ray will have it
}.items():
    os.environ.setdefault(_name, _value)
