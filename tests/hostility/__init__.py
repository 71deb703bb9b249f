"""What an outsider can do to us: drown us in packets, leave logins half begun, and measure how long a refusal takes."""
