"""Results over MQTT, and discovery by Home Assistant."""
