"""What `make bench` measures: Watchword beside what people would use instead, on one machine, in one run."""
