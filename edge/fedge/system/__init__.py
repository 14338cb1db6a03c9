"""What fedge asks of the operating system: files, the console, memory, the processor's health."""
