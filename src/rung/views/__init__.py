"""What people see: frozen results, drawn. Nothing here computes."""
