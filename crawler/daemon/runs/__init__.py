"""Jobs as they run: one run of one job, which jobs run next, and what is asked about a run."""
