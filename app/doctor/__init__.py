"""The doctor: looks at everything the service stands on, from a shell, and says what is wrong and what to do."""
