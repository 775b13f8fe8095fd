"""What a deployment needs beside prefect.yaml."""
