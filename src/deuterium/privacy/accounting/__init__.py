"""What many releases promise together: accountants and the noise they allow."""
