/** Hugging Face's hub, and where it keeps large files: what a program that loads models may reach. */
export const HUB_HOSTS: readonly string[] = ["huggingface.co", "*.huggingface.co", "*.hf.co"];
