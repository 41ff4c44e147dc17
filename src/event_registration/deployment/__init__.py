"""What an operator runs: the function's zip, the stack, the site, and the check of a deployment."""
