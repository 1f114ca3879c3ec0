"""The desk: pages at the node for the person who decides. They show patients: loopback only."""
