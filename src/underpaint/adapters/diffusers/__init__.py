"""Text-to-image pipelines of Hugging Face diffusers: found, looked through, loaded."""
