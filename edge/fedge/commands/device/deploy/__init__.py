"""`fedge deploy`: fedge, a model and the service on a device, over OpenSSH."""
