"""What a server lets in: keys and how much each may ask for, prompts, uploads; and what it keeps to itself."""
