"""What a cycle costs beside its models, step by step (`make bench`)."""
