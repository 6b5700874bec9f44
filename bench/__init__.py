"""What a packet costs: captures to measure with, and the measuring."""
