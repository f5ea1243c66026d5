//! The table design x law: what became of each law under each design, in a scope.
