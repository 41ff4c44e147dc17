"""The library side by side with what people would use instead, on this machine: see README.md here."""
