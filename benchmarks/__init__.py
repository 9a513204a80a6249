"""What the speed claims are measured with: fast sites, peers, and a scale for process trees."""
