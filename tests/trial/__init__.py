"""The hostile trial: bad input (`fuzz`) and faults (`faults`), counted in one table. `make trial` runs all of it."""
