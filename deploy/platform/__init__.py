"""What a platform engineer needs: the page, the documents, and three small programs to copy."""
