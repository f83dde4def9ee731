"""What is kept on the card until the platform holds it."""
