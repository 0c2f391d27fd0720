"""Pure rules of invoicing: no I/O, no framework, nothing imported from the rest of the service."""
