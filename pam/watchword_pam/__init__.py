"""What runs inside sshd."""
