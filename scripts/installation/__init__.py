"""What installing a node and a server have in common. Standard library only: it runs before anything is."""
